"""The closed bounds that the cycle recurrence must keep; its exactness is shown by simulation."""

import numpy as np
import pytest
from support.networks import random_network

from twinspike.hw.plan import make_plan
from twinspike.hw.predict.cycles import frame_times
from twinspike.sim.golden import run


def times(plan, spikes, isolate=False):
    return frame_times(plan, spikes, run(plan.network, spikes).spikes, isolate=isolate)


@pytest.mark.parametrize("lanes", [(1, 1), (3, 2), (12, 4)])
def test_frames_come_at_the_busiest_layers_pace_and_never_faster(lanes):
    plan = make_plan(random_network(1, timesteps=6, shape=(9,), widths=(12, 4), classes=2), lanes)
    spikes = np.random.default_rng(0).random((6, 20, 9)) < 0.5
    _, finished = times(plan, spikes)
    trains = (spikes, *run(plan.network, spikes).spikes)
    for layer, arriving in zip(plan.layers, trains, strict=False):
        work = arriving.sum(axis=(0, 2)) * layer.event_clocks(0) + 6 * layer.tick_clocks
        # From the first frame's result to the last one's, each layer did at least the work in between.
        assert finished[-1] - finished[0] >= work[1:-1].sum()
    busiest = sum(trains[0].sum(axis=(0, 2)) + 6) * plan.layers[0].tick_clocks
    assert finished[-1] <= 2 * busiest + 200


def test_alone_a_frame_starts_two_clocks_after_the_previous_result():
    plan = make_plan(random_network(1, timesteps=4, widths=(5,)), (2,))
    spikes = np.random.default_rng(0).random((4, 6, plan.network.inputs)) < 0.4
    started, finished = times(plan, spikes, isolate=True)
    assert started[0] == 1
    assert np.array_equal(started[1:], finished[:-1] + 2)
    # Equal frames take equal time once the core is at rest.
    same = np.repeat(spikes[:, :1], 4, axis=1)
    started, finished = times(plan, same, isolate=True)
    assert len(set((finished - started)[1:].tolist())) == 1


def test_a_silent_frame_costs_its_ticks_alone():
    plan = make_plan(random_network(1, timesteps=8, widths=(20,), classes=2), (2,))
    quiet = np.zeros((8, 5, plan.network.inputs), bool)
    silent = (np.zeros((8, 5, 20), bool),)
    _, finished = frame_times(plan, quiet, silent, isolate=False)
    assert plan.layers[0].tick_clocks == 10
    assert np.diff(finished).tolist() == [8 * 10] * 4
    # Where slots are compared the readout sets the pace, not the layer: it walks over 20 neurons per step.
    slots = make_plan(plan.network, (2,), slots=2)
    _, finished = frame_times(slots, quiet, silent, isolate=False)
    assert np.diff(finished).tolist() == [8 * (20 + 2) + slots.result_clocks - 2] * 4
    # An event per step on top.
    quiet[:, :, 0] = True
    narrow = make_plan(plan.network, (1,))
    assert (
        np.diff(frame_times(narrow, quiet, silent, isolate=False)[1]).tolist()
        == [8 * 2 * narrow.layers[0].tick_clocks] * 4
    )


def test_more_spikes_never_finish_earlier():
    plan = make_plan(random_network(4, timesteps=5, shape=(8,), widths=(9,)), (3,))
    silent = tuple(np.zeros((5, 1, 9), bool) for _ in range(1))
    before = 0
    for count in range(9):
        spikes = np.zeros((5, 1, 8), bool)
        spikes[:, 0, :count] = True
        _, finished = frame_times(plan, spikes, silent, isolate=False)
        assert finished[0] >= before + (0 if count == 0 else 1)
        before = finished[0]
