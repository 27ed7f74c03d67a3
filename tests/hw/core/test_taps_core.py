"""Cores with free taps: behind the image, behind convolutions and pools, in front of them, and holding."""

import dataclasses

import numpy as np
import pytest
from support.conv_cores import conv_layer
from support.maps import network_of, random_taps
from support.networks import random_layer
from support.simulation import assert_equal_and_on_time, input_spikes

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.numerics.encodings import Graded, Latency
from twinspike.quant.layer import relay
from twinspike.quant.spec import NeuronSpec
from twinspike.quant.synapses.pool import Pool
from twinspike.sim.bench.runner import simulate

SPEC = {"weight_bits": 4, "state_bits": 11, "biases": "low"}


def layers_of(shape, *described, seed=1):
    """A chain: ("taps", filters, taps, keys), ("conv", channels, kernel), ("or", window), ("dense", N)."""
    rng, made = np.random.default_rng(seed), []
    for kind, *rest in described:
        match kind:
            case "taps":
                *sizes, keys = rest
                spec = NeuronSpec(**keys.pop("spec", {"weight_bits": 4, "state_bits": 10}))
                low = keys.pop("low", False)
                layer = random_taps(rng, (*shape, 1)[:3], *sizes, spec=spec, **keys)
                made.append(dataclasses.replace(layer, bias=np.minimum(layer.bias, 0)) if low else layer)
            case "conv":
                made.append(conv_layer(rng, (*shape, 1)[:3], *rest, **SPEC))
            case "dense":
                made.append(random_layer(rng, int(np.prod(shape)), *rest, weight_bits=4, state_bits=10))
            case _:
                made.append(relay(Pool.over((*shape, 1)[:3], rest[0], kind)))
        shape = made[-1].shape
    return made


OUT = ("dense", 5)
CASES = {
    "behind the image": ((8, 10), [("taps", 4, 5, {}), OUT], (4, 5), Latency(), "generic"),
    "strides and groups, twice": (
        (9, 8, 2),
        [
            ("taps", 6, 4, {"stride": (2, 3), "groups": 2, "low": True}),
            ("taps", 4, 6, {"stride": (1, 2), "low": True}),
            OUT,
        ],
        (2, 4, 3),
        Latency(),
        "ecp5-25k",
    ),
    "between a convolution and a pool": (
        (8, 7),
        [
            ("conv", 4, (2, 2)),
            ("taps", 6, 3, {"stride": (2, 1), "low": True, "spec": {"single_spike": True, "state_bits": 9}}),
            ("or", (2, 2)),
            ("taps", 3, 2, {"span": 1}),
            OUT,
        ],
        (4, 4, 1, 5),
        Latency(),
        "up5k",
    ),
    "graded and held": ((6, 7), [("taps", 4, 4, {"hold": 1}), OUT], (4, 5), Graded(3), "generic"),
    "binary weights": (
        (1, 12, 2),
        [("taps", 4, 4, {"spec": {"weight_bits": 1, "state_bits": 7}, "stride": (1, 2)}), OUT],
        (4, 2),
        Latency(),
        "hx8k",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_spikes_and_clocks_are_those_of_the_network(name, tmp_path):
    shape, described, lanes, encoder, target = CASES[name]
    holds = [rest[-1].pop("hold", 0) if kind == "taps" else 0 for kind, *rest in described]
    layers = layers_of(shape, *described)
    layers[0] = dataclasses.replace(layers[0], hold=bool(holds[0]))
    network = network_of(layers, shape, timesteps=5, encoder=encoder)
    plan = make_plan(network, lanes, target)
    emit(plan, tmp_path / "rtl")
    spikes = input_spikes(3, 5, 8, network.inputs)
    if isinstance(encoder, Graded):
        spikes = spikes * np.random.default_rng(4).integers(1, 8, spikes.shape).astype(np.uint8)
        spikes[1:] = 0
    result = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim")
    assert_equal_and_on_time(result)
    hidden = sum(layer.neurons for layer in plan.layers)
    assert result["runs"][0]["spikes_compared"] >= hidden * 5 * 8
