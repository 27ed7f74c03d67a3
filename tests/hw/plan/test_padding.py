"""Padding inside a layer: rows of neurons that begin a word each, as a map's channels do."""

import dataclasses

import numpy as np
import pytest
from support.simulation import assert_equal_and_on_time, input_spikes, network_of

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import CorePlan, make_plan
from twinspike.sim.bench.runner import simulate

LAYERS = (
    (12, {"weight_bits": 3, "state_bits": 7}),
    (9, {"weight_bits": 1, "state_bits": 5, "reset": "zero"}),
    (5, {"weight_bits": 4, "state_bits": 9, "single_spike": True}),
)


def padded_plan(rows: tuple[int, ...], lanes: tuple[int, ...]) -> CorePlan:
    """A core whose hidden layers have rows of so many neurons."""
    plan = make_plan(network_of(7, 10, 5, 3, *LAYERS), lanes)
    layers, arrivals = [], None
    for layer, row in zip(plan.layers, (*rows, 0), strict=True):
        layers.append(dataclasses.replace(layer, row=row, arrivals=arrivals))
        arrivals = layers[-1].sent if row else None
    return dataclasses.replace(plan, layers=tuple(layers))


def test_a_row_begins_a_word_and_an_address_is_word_times_lanes_plus_lane():
    layer = padded_plan((3, 3), (2, 2, 1)).layers[1]
    assert (layer.words, layer.addresses) == (6, 12)
    assert layer.places.tolist() == [[0, 1], [2, -1], [3, 4], [5, -1], [6, 7], [8, -1]]
    assert layer.positions.tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    # Nothing that padding accumulates reaches its threshold.
    assert set(layer.thresholds[layer.places < 0]) == {1 << (layer.layer.spec.state_bits - 1)}


@pytest.mark.parametrize(("rows", "lanes"), [((3, 3), (2, 2, 1)), ((4, 1), (4, 2, 3)), ((6, 9), (4, 4, 2))])
def test_spikes_and_clocks_are_those_of_the_network(rows, lanes, tmp_path):
    plan = padded_plan(rows, lanes)
    assert any((layer.places < 0).any() for layer in plan.layers[:-1])
    emit(plan, tmp_path / "rtl")
    spikes = input_spikes(3, 5, 8, 10)
    result = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim")
    assert_equal_and_on_time(result)
    hidden = sum(layer.neurons for layer in plan.layers)
    assert result["runs"][0]["spikes_compared"] >= hidden * 5 * np.prod(spikes.shape[1:2])
