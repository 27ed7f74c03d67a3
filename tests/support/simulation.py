"""Networks in simulation: what to run and what must come out."""

import dataclasses

import numpy as np
from support.networks import random_layer, random_references

from twinspike.hw.plan import make_plan
from twinspike.numerics.encodings import Latency
from twinspike.quant.network import Network


def network_of(seed, inputs, timesteps, classes, *layers):
    """A network of (neurons, spec) layers; classes references."""
    rng, made, width = np.random.default_rng(seed), [], inputs
    for neurons, spec in layers:
        made.append(random_layer(rng, width, neurons, **spec))
        width = neurons
    references = random_references(rng, classes, timesteps, width)
    return Network("small", timesteps, Latency(), (inputs,), tuple(made), references, 20, {})


def input_spikes(seed, timesteps, frames, inputs):
    """Frames from sparse to dense; the third is silent, in the fourth every input spikes in every step."""
    rng = np.random.default_rng(seed)
    spikes = rng.random((timesteps, frames, inputs)) < rng.choice([0.05, 0.3, 0.8], size=(1, frames, 1))
    spikes[:, 2], spikes[:, 3] = False, True
    return spikes


def assert_equal_and_on_time(result):
    for row in result["runs"]:
        assert (row["mismatches"], row["first_mismatch"], row["faults"]) == (0, None, []), row["run"]
        assert row["spikes_compared"] > 0
        if not row["stalls"]:
            assert row["cycles_predicted_equal"], row["first_cycle_difference"]
    assert [row["stalls"] for row in result["runs"]] == [False, False, True]


def spram_case(width, bits):
    """A layer just too large for block RAM, its words `width` bits wide, and a small one behind it."""
    lanes = width // bits
    neurons = 3 * lanes + 1
    inputs = 8 * 4096 // (neurons * bits) + 1
    network = network_of(3, inputs, 3, 4, (neurons, {"weight_bits": bits, "state_bits": 9}), (5, {}))
    layer = network.layers[0]
    layer = dataclasses.replace(layer, threshold=layer.threshold * 4)
    network = dataclasses.replace(network, layers=(layer, *network.layers[1:]))
    return make_plan(network, (lanes, 2), "up5k"), input_spikes(3, 3, 4, inputs) & input_spikes(
        4, 3, 4, inputs
    )
