"""Cores of networks in which a layer has another's weights: one memory holds them, read by each layer."""

import dataclasses

import numpy as np
import pytest
from support.conv_cores import conv_layer
from support.maps import network_of
from support.networks import random_layer
from support.simulation import assert_equal_and_on_time, input_spikes

from twinspike.hw.emit.emit import describe, emit
from twinspike.hw.plan import make_plan
from twinspike.hw.predict.placement import stored
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


def shared_maps(rng):
    """Three convolutions of one weight tensor on maps of one size, and a dense layer behind them."""
    shape, keys = (4, 4, 2), {"padding": (1, 1)}
    layers = [
        conv_layer(rng, shape, 2, (3, 3), keys=keys, biases=biases, weight_bits=4, state_bits=10)
        for biases in ("low", "any", "low")
    ]
    owner, *others = layers
    others = [dataclasses.replace(layer, weight=owner.weight, weights_of=0) for layer in others]
    return network_of([owner, *others, random_layer(rng, 32, 4, weight_bits=3, state_bits=9)], shape)


@pytest.mark.parametrize("target", ["generic", "ecp5-25k"])
def test_weights_are_stored_once_and_each_layer_reads_them_at_its_own_pace(tmp_path, target):
    plan = make_plan(shared_maps(np.random.default_rng(4)), (2, 2, 2, 3), target)
    assert [layer.memory for layer in plan.layers] == ["block", "shared", "shared", "block"]
    assert [layer.readers for layer in plan.layers] == [3, 1, 1, 1]
    stored_once = [layer["weight_memory_bits"] for layer in describe(plan)["layers"]]
    assert stored_once[0] == 2 * 2 * 9 * 4 and stored_once[1:3] == [0, 0]
    names = [memory.name for memory in stored(plan) if "weights" in memory.name]
    assert [name.split(".")[0] for name in names] == ["layer0", "layer3"]
    emit(plan, tmp_path / "rtl")
    result = simulate(plan, tmp_path / "rtl", input_spikes(3, 4, 8, 32), tmp_path / "sim")
    assert_equal_and_on_time(result)


def test_layers_that_store_weights_otherwise_have_their_own():
    plan = make_plan(shared_maps(np.random.default_rng(4)), (2, 1, 2, 3))
    assert [layer.memory for layer in plan.layers] == ["block", "block", "shared", "block"]
    assert [layer.lender for layer in plan.layers] == [None, None, 0, None]
