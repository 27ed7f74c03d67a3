"""Cores with pools: behind the image and convolutions, in front of convolutions, pools and dense layers."""

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

SPEC = {"weight_bits": 4, "state_bits": 11, "biases": "low"}


def layers_of(shape, *described, seed=1):
    """A chain of layers: ("conv", channels, kernel), ("or" or "sum", window), ("dense", neurons)."""
    rng, made = np.random.default_rng(seed), []
    for kind, *rest in described:
        match kind:
            case "conv":
                made.append(conv_layer(rng, (*shape, 1)[:3], *rest, **SPEC))
            case "dense":
                made.append(random_layer(rng, int(np.prod(shape)), *rest, weight_bits=4, state_bits=10))
            case _:
                made.append(relay(Pool.over((*shape, 1)[:3], rest[0], kind)))
        shape = made[-1].shape
    return made


CONV, OUT = ("conv", 4, (3, 3)), ("dense", 5)
CASES = {
    "or behind a convolution, whole windows": (
        (8, 10),
        [CONV, ("or", (2, 2)), OUT],
        (4, 5),
        Latency(),
        "generic",
    ),
    "sum behind a convolution, rest left over": (
        (8, 9, 2),
        [("conv", 3, (3, 2)), ("sum", (2, 3)), ("conv", 2, (2, 2)), OUT],
        (2, 2, 3),
        Latency(),
        "ecp5-25k",
    ),
    "or and sum behind the image": (
        (9, 11),
        [("or", (3, 2)), ("sum", (1, 2)), (*CONV[:2], (2, 2)), OUT],
        (4, 1),
        Latency(),
        "generic",
    ),
    "or to one place, in front of a convolution": (
        (7, 7, 3),
        [("conv", 6, (2, 2)), ("or", (3, 3)), ("conv", 2, (2, 2)), OUT],
        (4, 2, 5),
        Latency(),
        "generic",
    ),
    "sum of graded input": ((6, 7), [("sum", (2, 3)), ("dense", 6), OUT], (2, 3), Graded(), "generic"),
    "or of graded input": (
        (5, 4, 3),
        [("or", (2, 1)), (*CONV[:2], (2, 2)), OUT],
        (4, 2),
        Graded(2),
        "generic",
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
        spikes = spikes * np.random.default_rng(4).integers(1, 16, spikes.shape).astype(np.uint8)
    result = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim")
    assert_equal_and_on_time(result)
    hidden = sum(layer.neurons for layer in plan.layers)
    assert result["runs"][0]["spikes_compared"] >= hidden * 5 * 8


def test_what_a_core_with_pools_cannot_be_is_refused_by_name():
    network = network_of(layers_of((6, 6), CONV, ("sum", (2, 2)), OUT), (6, 6))
    with pytest.raises(
        TwinspikeError, match=r"^hardware.lanes has 3 numbers: expected one per layer with neurons, 2"
    ):
        make_plan(network, (4, 4, 4))
    with pytest.raises(TwinspikeError, match=r"^layers.1.kind = pool: a core of several events per clock"):
        make_plan(network, (), "generic", (1, 1, 1))
    large = network_of(layers_of((24, 24), CONV, ("or", (2, 2)), ("dense", 900), OUT, seed=2), (24, 24))
    with pytest.raises(TwinspikeError, match=r"^layers.2: \d+ weight bits do not fit"):
        make_plan(large, (4, 16, 1), "up5k")
