"""The IP package of a core on maps: what it says of shapes, addresses and VALUE words, and that it runs."""

import json

import pytest
from support.conv_cores import held_network
from support.packages import bench, in_each_simulator, package

from twinspike.hw.plan import make_plan
from twinspike.numerics.values import VALUE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("package") / "ip"
    package(make_plan(held_network(), (4, 2)), out)
    return out


def test_the_data_sheet_has_maps_addresses_and_values(folder):
    text = (folder / "README.md").read_text()
    assert "4x5x1-3x2x3-4 neurons, maps as height x width x channels, T = 4" in text
    assert "Inputs are a map of 4x5x1. At the ports addresses are flat and channel-last" in text
    assert "(y * W + x) * C + c" in text and "Bits 15..14 = 11: VALUE" in text
    assert "brightness is in the stream itself" in text
    assert "| 0 | 18, 3x2x3 | 4 |" in text and "| 1 | 4 | 2 |" in text
    assert "4x5x1-3x2x3-4, T = 4" in (folder / "rtl/twinspike_core.v").read_text()[:400]
    layers = json.loads((folder / "ip.json").read_text())["layers"]
    assert layers[0]["map"] == [3, 2, 3] and "map" not in layers[1]


def test_the_stimulus_has_values_and_the_frames_output_spikes(folder):
    words = [int(word, 16) & 0xFFFF for word in (folder / "tb/stimulus.mem").read_text().split()]
    assert sum(word & VALUE == VALUE for word in words) > 4
    spikes = [int(word, 16) & 0xFFFF for word in (folder / "tb/spikes.mem").read_text().split()]
    assert sum(word < 0x8000 for word in spikes) > 4


@in_each_simulator
def test_all_benches_pass(folder, simulator):
    status, said = bench(folder, simulator)
    assert status == 0 and said.count("PASS\n") == 3, said
