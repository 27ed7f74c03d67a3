"""Cores of networks in which a layer has another's weights: each layer's memory holds them."""

import dataclasses

import numpy as np
from support.conv_cores import conv_layer
from support.maps import network_of
from support.networks import random_layer
from support.simulation import assert_equal_and_on_time, input_spikes

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.sim.bench.runner import simulate


def test_spikes_and_clocks_are_those_of_the_network(tmp_path):
    rng, shape, keys = np.random.default_rng(2), (5, 4, 3), {"padding": (1, 1)}
    first, second = (
        conv_layer(rng, shape, 3, (3, 3), keys=keys, biases=biases, weight_bits=4, state_bits=10)
        for biases in ("low", "any")
    )
    second = dataclasses.replace(second, weight=first.weight, weights_of=0)
    last = random_layer(rng, 60, 4, weight_bits=3, state_bits=9)
    network = network_of([first, second, last], shape)
    plan = make_plan(network, (2, 4, 3))
    emit(plan, tmp_path / "rtl")
    result = simulate(plan, tmp_path / "rtl", input_spikes(3, 4, 8, 60), tmp_path / "sim")
    assert_equal_and_on_time(result)
    assert result["runs"][0]["spikes_compared"] >= (60 + 60 + 4) * 4 * 8
