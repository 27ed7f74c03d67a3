"""A network without provenance is known by what its layers are, kind by kind."""

import dataclasses

import numpy as np
import pytest

from twinspike.config import load_config
from twinspike.flow.identity import check_current
from twinspike.model.network.blank import blank_network
from twinspike.numerics.errors import TwinspikeError
from twinspike.study.recipes import _row

TOML = """\
dataset = "digits"
timesteps = 4
[encoder]
kind = "rate"
[[layers]]
kind = "conv"
channels = 6
kernel = [3, 3]
padding = [1, 1]
[[layers]]
kind = "taps"
channels = 6
taps = 3
reach = [5, 5]
[[layers]]
kind = "conv"
channels = 6
padding = [1, 1]
sources = [0, 1]
[[layers]]
kind = "conv"
channels = 6
padding = [1, 1]
weights_of = 2
forget = true
leak_shift = 0
[[layers]]
kind = "pool"
window = [2, 2]
sources = [2, 3]
[[layers]]
weight_bits = 5
neurons = 8
"""


def read(tmp_path, text=TOML):
    (tmp_path / "mine.toml").write_text(text)
    return load_config(str(tmp_path / "mine.toml"))


@pytest.fixture
def network(tmp_path):
    found = blank_network(read(tmp_path), (8, 8), np.arange(3))
    assert not found.provenance
    return found


def test_its_own_configuration_suits_it(network, tmp_path):
    check_current(network, tmp_path / "n.safetensors", read(tmp_path))
    # What leaves no trace in the integers does not count.
    check_current(network, tmp_path / "n", read(tmp_path, TOML.replace("reach = [5, 5]", 'norm = "batch"')))
    # Nor do fewer bits of state than are allowed.
    layers = [
        dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, state_bits=7))
        for layer in network.layers
    ]
    narrow = dataclasses.replace(network, layers=tuple(layers))
    check_current(narrow, tmp_path / "n", read(tmp_path))


@pytest.mark.parametrize(
    "old, new, said",
    [
        (
            "kernel = [3, 3]\npadding = [1, 1]",
            "kernel = [5, 5]\npadding = [2, 2]",
            "layers.0.kernel.0 = 3",
        ),
        ("channels = 6\nkernel", "channels = 12\nkernel", "layers.0.channels = 6"),
        ("taps = 3", "taps = 4", "layers.1.taps = 3"),
        ("sources = [0, 1]", "sources = [0, 1]\ngroups = 2", "layers.2.groups = 1"),
        ("sources = [0, 1]", "sources = [1, 0]", "layers.2.sources.0 = 0"),
        ("sources = [0, 1]", 'sources = [0, 1]\ncombine = "and"', "layers.2.combine = 'add'"),
        ("weights_of = 2\n", "", "layers.3.weights_of = 2"),
        ("forget = true", "forget = false", "layers.3.forget = True"),
        ("window = [2, 2]", "window = [4, 4]", "layers.4.window.0 = 2"),
        ("sources = [2, 3]", 'sources = [2, 3]\nmode = "sum"', "layers.4.mode = 'or'"),
        ("neurons = 8", "neurons = 9", "layers.5.neurons = 8"),
    ],
)
def test_another_one_is_told_by_the_key_that_differs(network, tmp_path, old, new, said):
    assert TOML.count(old) == 1
    with pytest.raises(TwinspikeError) as caught:
        check_current(network, tmp_path / "n.safetensors", read(tmp_path, TOML.replace(old, new)))
    assert f"n.safetensors has {said}, " in str(caught.value) and "\n" not in str(caught.value)


def test_a_recipe_of_any_kind_has_a_row(tmp_path, monkeypatch):
    monkeypatch.setattr("twinspike.study.recipes.WANTED", {"mine": {"macro_f1": 0.9}})
    row = _row(read(tmp_path), (1,), [])
    assert row["shape"] == ["conv 6", "taps 6", "conv 6", "conv 6", "pool", 8] and row["weight_bits"] == 5


def test_a_configuration_gives_its_keys_back(tmp_path):
    config = read(tmp_path)
    (tmp_path / "again.toml").write_text(config.toml())
    again = load_config(str(tmp_path / "again.toml"))
    assert again.layers == config.layers and not again.differences(config.table())
    rare = {"forget", "hold", "sources", "combine", "weights_of"}
    assert not rare & config.table()["layers"][0].keys() and config.table()["layers"][3]["weights_of"] == 2
