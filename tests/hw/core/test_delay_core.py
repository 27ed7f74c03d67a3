"""Cores with delays: behind the input, dense layers, convolutions and pools, and in front of them."""

import numpy as np
import pytest
from support.conv_cores import conv_layer
from support.maps import network_of
from support.networks import random_layer
from support.simulation import assert_equal_and_on_time, input_spikes

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.hw.predict.placement import stored
from twinspike.numerics.encodings import Graded, Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.layer import relay
from twinspike.quant.synapses.delay import Delay
from twinspike.quant.synapses.maps import as_map
from twinspike.quant.synapses.pool import Pool
from twinspike.sim.bench.runner import simulate

SPEC = {"weight_bits": 4, "state_bits": 11, "biases": "low"}


def layers_of(shape, *described, seed=1):
    """A chain: ("delay", taps, reach), ("same", taps, dilation), ("conv", ...), pools, ("dense", n)."""
    rng, made = np.random.default_rng(seed), []
    for kind, *rest in described:
        inputs = int(np.prod(shape))
        match kind:
            case "delay":
                delay = rng.integers(0, rest[1] + 1, (inputs, rest[0])).astype(np.uint8)
                made.append(relay(Delay.over(shape, delay)))
            case "same":
                delay = np.tile(np.arange(rest[0], dtype=np.uint8) * rest[1], (inputs, 1))
                made.append(relay(Delay.over(shape, delay)))
            case "conv":
                made.append(conv_layer(rng, as_map(shape, "map"), *rest, **SPEC))
            case "dense":
                made.append(random_layer(rng, inputs, *rest, weight_bits=4, state_bits=10))
            case _:
                made.append(relay(Pool.over(as_map(shape, "map"), rest[0], kind)))
        shape = made[-1].shape
    return made


OUT = ("dense", 5)
# (input shape, layers, lanes, encoder, target)
CASES = {
    "behind the input": ((11,), [("delay", 3, 4), ("dense", 6), OUT], (2, 3), Latency(), "generic"),
    "longer than the frame": ((7,), [("delay", 2, 200), ("dense", 6), OUT], (2, 3), Latency(), "generic"),
    "none at all, one word": ((5,), [("delay", 1, 0), OUT], (2,), Latency(), "generic"),
    "many words": ((6, 9), [("delay", 4, 3), ("dense", 9), OUT], (4, 5), Latency(), "ecp5-25k"),
    "the same for every input, between dense layers": (
        (8,),
        [("dense", 13), ("same", 3, 2), ("dense", 8), ("same", 2, 1), OUT],
        (4, 2, 1),
        Latency(),
        "up5k",
    ),
    "two after each other": ((6,), [("delay", 2, 3), ("delay", 3, 2), OUT], (2,), Latency(), "generic"),
    "between convolutions": (
        (5, 6, 2),
        [("conv", 3, (2, 2)), ("delay", 3, 2), ("conv", 4, (2, 3)), OUT],
        (2, 4, 3),
        Latency(),
        "generic",
    ),
    "behind a pool, in front of a pool": (
        (6, 7, 3),
        [("or", (2, 2)), ("delay", 2, 3), ("or", (1, 2)), OUT],
        (3,),
        Latency(),
        "generic",
    ),
    "graded input": ((9,), [("delay", 2, 3), ("dense", 6), OUT], (2, 3), Graded(), "generic"),
}


def checked(layers, shape, lanes, encoder, target, folder, timesteps=5):
    network = network_of(layers, shape, timesteps=timesteps, encoder=encoder)
    plan = make_plan(network, lanes, target)
    emit(plan, folder / "rtl")
    spikes = input_spikes(3, timesteps, 8, network.inputs)
    if isinstance(encoder, Graded):
        spikes = spikes * np.random.default_rng(4).integers(1, 16, spikes.shape).astype(np.uint8)
    result = simulate(plan, folder / "rtl", spikes, folder / "sim")
    assert_equal_and_on_time(result)
    hidden = sum(layer.neurons for layer in plan.layers)
    assert result["runs"][0]["spikes_compared"] >= hidden * timesteps * 8
    return plan


@pytest.mark.parametrize("name", CASES)
def test_spikes_and_clocks_are_those_of_the_network(name, tmp_path):
    shape, described, lanes, encoder, target = CASES[name]
    checked(layers_of(shape, *described), shape, lanes, encoder, target, tmp_path)


def test_memories_are_a_ring_of_bits_and_a_table_only_where_inputs_differ():
    network = network_of(layers_of((20,), ("delay", 3, 3), OUT), (20,), timesteps=5)
    found = {memory.name: memory for memory in stored(make_plan(network))}
    ring, table = found["relay0_0.ring"], found["relay0_0.table"]
    assert (ring.depth, ring.width) == (4 << 1, 32)  # 60 outputs in two words, delays of 0 to 3 steps
    assert (table.depth, table.width, table.kind) == (20, 3 * 2, "rom")
    network = network_of(layers_of((20,), ("same", 3, 1), OUT), (20,), timesteps=5)
    assert "relay0_0.table" not in {memory.name for memory in stored(make_plan(network))}


def test_a_core_of_several_events_per_clock_has_no_delays():
    network = network_of(layers_of((8,), ("delay", 2, 3), OUT), (8,))
    with pytest.raises(TwinspikeError, match=r"^layers.0.kind = delay: a core of several events per clock"):
        make_plan(network, (), "generic", (1, 1))
