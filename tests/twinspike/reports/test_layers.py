"""The table of layers: what it says of a network on maps is what events do in its core."""

import numpy as np
from support.conv_cores import conv_network, held_network
from support.maps import network_of, random_conv
from support.networks import random_layer
from support.simulation import input_spikes

from twinspike.hw.plan import make_plan
from twinspike.hw.predict.alone import clocks_alone
from twinspike.hw.predict.cycles import frame_times
from twinspike.quant.layer import relay
from twinspike.quant.spec import NeuronSpec
from twinspike.quant.synapses.pool import Pool
from twinspike.reports.drawing import tiled
from twinspike.reports.layers import layer_rows
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
    # A sweep without events takes 5 clocks more than it visits words.
    assert silent[0].operations == 0 and silent[0].clocks == 3 * (36 + 5)


def test_clocks_are_those_between_results_where_the_layer_is_the_slowest():
    network, spikes, trace, plan, rows = rows_of("any")
    assert [row.busiest for row in rows] == [True, False]
    _, finished = frame_times(plan, spikes, trace.spikes, isolate=False)
    alone, behind = (clocks_alone(plan, i, spikes, trace.spikes) for i in range(2))
    # A result comes later than its image's last TICK by less than the layer behind takes for an image.
    assert abs(int(np.diff(finished).sum()) - int(alone[1:].sum())) <= behind.max()
    assert rows[0].clocks == alone.mean()
    quiet = 0 * spikes
    silent = golden.run(network, quiet)
    _, finished = frame_times(plan, quiet, silent.spikes, isolate=False)
    slowest = [clocks_alone(plan, i, quiet, silent.spikes) for i in range(2)]
    assert slowest[1].mean() > slowest[0].mean()
    assert np.array_equal(np.diff(finished), slowest[1][1:])


def held_rows(**options):
    network = held_network(shape=(6, 6, 1))
    rng = np.random.default_rng(0)
    spikes = (rng.random((4, 8, 36)) < 0.7) * rng.integers(1, 16, (4, 8, 36)).astype(np.uint8)
    spikes[1:] = 0
    plan, trace = make_plan(network, **options), golden.run(network, spikes)
    return plan, spikes, trace, layer_rows(network, spikes, trace, plan)


def test_an_event_of_several_spikes_takes_the_clocks_of_one():
    plan, spikes, trace, (conv, _) = held_rows(lanes=(1, 2))
    assert conv.busiest and conv.rule == "words that events have reached"
    _, finished = frame_times(plan, spikes, trace.spikes, isolate=False)
    alone, behind = (clocks_alone(plan, i, spikes, trace.spikes) for i in range(2))
    assert abs(int(np.diff(finished).sum()) - int(alone[1:].sum())) <= behind.max()
    # Were each counted, an image would take more than twice as many.
    assert 2 * conv.clocks < spikes.sum(axis=(0, 2)).mean() * 3


def test_a_core_of_several_events_per_clock_has_lines_without_clocks():
    plan, _, _, (conv, dense) = held_rows(events_per_clock=(1, 1))
    assert conv.clocks is None and not conv.busiest and conv.lanes == plan.layers[0].lanes
    assert conv.sweep == f"{len(plan.layers[0].sweep)} rows: 1 event per clock, 4 banks"
    assert dense.sweep == "1 rows: 1 event per clock" and dense.state_bits


def test_a_pool_has_a_line_and_the_layers_around_it_their_clocks():
    rng = np.random.default_rng(3)
    spec = NeuronSpec(weight_bits=4, state_bits=9)
    conv = random_conv(rng, (4, 4, 1), 2, (3, 3), spec=spec, padding=(1, 1))
    dense = random_layer(rng, 8, 3, weight_bits=3, state_bits=9)
    network = network_of([conv, relay(Pool.over((4, 4, 2), (2, 2), "or")), dense], (4, 4, 1))
    spikes = input_spikes(3, 4, 4, 16)
    trace = golden.run(network, spikes)
    rows = layer_rows(network, spikes, trace, make_plan(network))
    assert [row.kind for row in rows] == ["conv", "pool", "dense"]
    assert rows[1].clocks is None and rows[1].sweep == "–" and rows[1].neurons == 0
    assert rows[0].clocks and rows[2].clocks


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
