"""Cores in which a layer has several sources: "add", "and" and "iand", of layers, pools and the input."""

import dataclasses

import numpy as np
import pytest
from support.conv_cores import conv_layer
from support.maps import network_of
from support.networks import random_layer
from support.simulation import assert_equal_and_on_time, input_spikes

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.numerics.encodings import Graded, Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.layer import relay
from twinspike.quant.synapses.pool import Pool
from twinspike.sim.bench.runner import simulate

SAME = {"padding": (1, 1)}


def layers_of(shape, *described, seed=1):
    """Layers (kind, size, sources, combine); size: neurons, channels of 3x3 places, or a pool's window."""
    rng, made, maps = np.random.default_rng(seed), [], {-1: shape}
    for index, (kind, size, sources, *combine) in enumerate(described):
        seen = maps[sources[0]]
        match kind:
            case "conv":
                spec = {"weight_bits": 4, "state_bits": 8, "biases": "low"}
                layer = conv_layer(rng, seen, size, (3, 3), keys=SAME, **spec)
            case "dense":
                layer = random_layer(rng, int(np.prod(seen)), size, weight_bits=4, state_bits=9)
            case _:
                layer = relay(Pool.over(seen, size, kind))
        given = {"combine": combine[0]} if combine else {}
        made.append(dataclasses.replace(layer, sources=tuple(sources), **given))
        maps[index] = made[-1].shape
    return made


CASES = {
    "a residual": (
        (5, 6, 2),
        [("conv", 3, [-1]), ("conv", 3, [0]), ("conv", 2, [1, 0]), ("dense", 5, [2])],
        (2, 4, 1, 5),
        Latency(),
        "generic",
    ),
    "and, of three, and what nobody takes": (
        (4, 5, 3),
        [
            ("conv", 3, [-1]),
            ("conv", 3, [0]),
            ("conv", 2, [0]),
            ("conv", 4, [1, -1, 0], "and"),
            ("dense", 5, [3]),
        ],
        (4, 2, 2, 4, 3),
        Latency(),
        "ecp5-25k",
    ),
    "iand, a later one without an earlier one": (
        (5, 5, 2),
        [("conv", 3, [-1]), ("conv", 3, [0]), ("dense", 6, [1, 0], "iand")],
        (4, 1, 3),
        Latency(),
        "generic",
    ),
    "iand, the input without a layer, in front of a pool": (
        (6, 5, 2),
        [("conv", 2, [-1]), ("or", (2, 2), [-1, 0], "iand"), ("conv", 2, [1]), ("dense", 4, [2])],
        (2, 2, 4),
        Latency(),
        "up5k",
    ),
    "sums of pools and of graded input": (
        (5, 6, 2),
        [
            ("sum", (1, 1), [-1]),
            ("conv", 2, [0]),
            ("conv", 2, [1]),
            ("sum", (2, 2), [1]),
            ("or", (2, 2), [2]),
            ("dense", 5, [4, 3]),
        ],
        (2, 2, 5),
        Graded(3),
        "generic",
    ),
    "graded input beside a layer": (
        (5, 6, 2),
        [("conv", 2, [-1]), ("conv", 3, [0, -1]), ("dense", 4, [1])],
        (2, 4, 4),
        Graded(2),
        "generic",
    ),
    "dense layers": (
        (9,),
        [("dense", 9, [-1]), ("dense", 9, [0]), ("dense", 9, [0, 1, -1]), ("dense", 4, [2, -1], "and")],
        (3, 2, 9, 4),
        Latency(),
        "hx8k",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_spikes_and_clocks_are_those_of_the_network(name, tmp_path):
    shape, described, lanes, encoder, target = CASES[name]
    network = network_of(layers_of(shape, *described), shape, timesteps=5, encoder=encoder)
    plan = make_plan(network, lanes, target)
    emit(plan, tmp_path / "rtl")
    spikes = input_spikes(3, 5, 8, network.inputs)
    if isinstance(encoder, Graded):
        spikes = spikes * np.random.default_rng(4).integers(1, encoder.most + 1, spikes.shape).astype(
            np.uint8
        )
    result = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim")
    assert_equal_and_on_time(result)
    hidden = sum(layer.neurons for layer in plan.layers)
    assert result["runs"][0]["spikes_compared"] >= hidden * 5 * 8


REFUSED = {
    "twice": (
        [("dense", 8, [-1]), ("dense", 3, [0, 0])],
        r"^layers.1.sources = \[0, 0\]: .* name each source",
    ),
    "through pools": (
        [("conv", 2, [-1]), ("or", (2, 2), [0]), ("sum", (2, 2), [0]), ("dense", 3, [1, 2])],
        r"^layers.3.sources = \[1, 2\]: a core takes sources one after the other, which cannot be",
    ),
    "around each other": (
        [
            ("conv", 2, [-1]),
            ("conv", 2, [0]),
            ("conv", 2, [1]),
            ("sum", (1, 1), [0, 2]),
            ("dense", 3, [3, 1]),
        ],
        r"^layers.4.sources = \[3, 1\]: a core takes sources one after the other, which cannot be",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_sources_that_a_core_cannot_take_in_turn_are_refused_by_name(name):
    described, message = REFUSED[name]
    network = network_of(layers_of((4, 4, 2), *described), (4, 4, 2))
    with pytest.raises(TwinspikeError, match=message):
        make_plan(network)


def test_a_core_of_several_events_per_clock_is_a_chain():
    network = network_of(layers_of((8,), ("dense", 8, [-1]), ("dense", 3, [0, -1])), (8,))
    with pytest.raises(TwinspikeError, match=r"^layers.1.sources = \[0, -1\]: a core of several events per"):
        make_plan(network, (), "generic", (1, 1))
