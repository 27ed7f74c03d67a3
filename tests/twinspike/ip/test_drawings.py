"""Drawings of a package: the diagram shows what the plan has, the waves what the ports do."""

import xml.etree.ElementTree as ET

import pytest
from support.tops import plans

from twinspike.hw.bus.top import BUSES
from twinspike.ip.diagram import block_diagram, blocks
from twinspike.ip.timing import bus_waves, frame_waves, wave_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("kind", plans())
def test_the_diagram_has_a_block_for_each_part_of_the_plan(kind):
    plan = plans()[kind]
    texts = [text.text for text in ET.fromstring(block_diagram(plan, "faces")).iter(f"{SVG}text")]
    titles = [block.title for block in blocks(plan)]
    assert [text for text in texts if text in titles] == titles
    for index, layer in enumerate(plan.layers):
        assert titles.count(f"layer {index}: {layer.layer.kind}") == 1
        assert any(f" {layer.lanes} lanes, v of {layer.layer.spec.state_bits} bits" in text for text in texts)
    assert titles[-1].startswith("readout: ") and {"m_axis", "m_result"} < set(texts)
    assert sum(title == "queue, encoder" for title in titles) == (0 if plan.wide else len(plan.layers))


def values(wave, name):
    """A signal of a diagram, clock by clock."""
    signal = next(s for s in wave["signal"] if s.get("name") == name)
    found, data = [], iter(signal.get("data", ()))
    for letter in signal["wave"]:
        found.append(found[-1] if letter == "." else next(data) if letter == "3" else letter)
    return found


def test_wishbone_shows_two_clocks_a_transfer():
    wave = bus_waves("wishbone")
    strobe, ack, write = (values(wave, f"wb_{name}") for name in ("stb_i", "ack_o", "we_i"))
    assert strobe.count("1") == 4 and ack.count("1") == 2
    for first in (i for i in range(1, len(strobe)) if strobe[i - 1 : i + 1] == ["0", "1"]):
        assert ack[first : first + 3] == ["0", "1", "0"]
    assert [write[i] for i, value in enumerate(ack) if value == "1"] == ["1", "0"]
    assert values(wave, "wb_dat_o")[[i for i, value in enumerate(ack) if value == "1"][1]] == "0x4b505354"


def test_axi4_lite_shows_the_write_two_clocks_and_the_read_one_before_their_responses():
    wave = bus_waves("axilite")
    for asked, answered, clocks in (("aw", "b", 2), ("ar", "r", 1)):
        first = values(wave, f"s_axil_{asked}valid").index("1")
        assert values(wave, f"s_axil_{answered}valid").index("1") == first + clocks
    assert values(wave, "s_axil_rdata")[values(wave, "s_axil_rvalid").index("1")] == "0x4b505354"


@pytest.mark.parametrize("wave", [*map(bus_waves, BUSES), frame_waves(524, 8, 33)])
def test_wavedrom_draws_every_signal(wave):
    lengths = {len(signal["wave"]) for signal in wave["signal"] if signal}
    assert len(lengths) == 1
    texts = "".join(ET.fromstring(wave_svg(wave)).itertext())
    assert all(signal["name"] in texts for signal in wave["signal"] if signal)
    assert wave["head"]["text"] in texts
