"""The table of layers: what it says of a network on maps is what events do in its core."""

import numpy as np
from support.conv_cores import conv_network
from support.simulation import input_spikes

from twinspike.hw.plan import make_plan
from twinspike.report.drawing import tiled
from twinspike.report.layers import layer_rows
from twinspike.sim import golden

SPEC = {"weight_bits": 4, "state_bits": 9}


def rows_of(biases):
    convs = [(4, (3, 3), {"stride": (2, 2), "padding": (1, 1)}, {**SPEC, "biases": biases})]
    network = conv_network(1, (6, 6, 1), 3, convs, 5)
    spikes = input_spikes(3, 3, 4, network.inputs)
    plan, trace = make_plan(network, (1, 1)), golden.run(network, spikes)
    return network, spikes, trace, plan, layer_rows(network, spikes, trace, plan)


def test_each_layer_has_its_map_its_spikes_and_what_they_cost():
    _, spikes, trace, plan, (conv, dense) = rows_of("low")
    assert (conv.kind, conv.size, conv.neurons, conv.weights) == ("conv", "3 x 3 x 4", 36, 36)
    assert (dense.kind, dense.size, dense.weights, dense.weight_bits) == ("dense", "5", 180, 540)
    assert conv.weight_bits == 144
    assert conv.spikes == trace.spikes[0].sum() / 4
    # With one lane a visit is one synaptic operation.
    visits = [len(plan.layers[0].visits(a)) for a in range(64)]
    real = np.flatnonzero(plan.layers[0].arriving.sent >= 0)
    per_input = np.array(visits + [0] * 64)[real]
    assert conv.operations == (spikes.sum(axis=(0, 1)) @ per_input) / 4
    assert dense.operations == 5 * conv.spikes


def test_a_sweep_visits_what_was_reached_or_every_word():
    *_, (conv, dense) = rows_of("low")
    assert conv.rule == "words that events have reached" and 0 < conv.words <= conv.all_words == 36
    assert dense.rule == "every word" and dense.words == dense.all_words == 5
    network, spikes, _, plan, (every, _) = rows_of("any")
    assert every.rule == "every word" and every.words == 36
    silent = layer_rows(network, 0 * spikes, golden.run(network, 0 * spikes), plan)
    assert silent[0].operations == 0 and silent[0].clocks == 3 * 36


def test_the_busiest_layer_is_marked_and_a_network_without_a_core_has_no_clocks():
    network, spikes, trace, _, rows = rows_of("low")
    assert [row.busiest for row in rows] == [row.clocks == max(r.clocks for r in rows) for row in rows]
    bare = layer_rows(network, spikes, trace, None)
    assert all(row.clocks is None and row.lanes is None and not row.busiest for row in bare)
    assert [row.operations for row in bare] == [row.operations for row in rows]


def test_maps_stand_side_by_side_brightest_where_most_spikes_were():
    counts = np.zeros((2, 3, 4), np.int64)
    counts[1, 2, 3], counts[0, 0, 0] = 4, 2
    picture = tiled(counts)
    assert picture.shape == (2 * 3 - 1, 2 * 4 - 1)
    assert picture[-1, -1] == 255 and picture[0, 0] == 127 and picture[1, 0] == 0
