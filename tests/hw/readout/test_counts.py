"""The count readout: exact against the golden model, clock by clock as documented."""

import numpy as np
import pytest
from support.networks import counting
from support.optional import needs
from support.readout import events_of, expected, fields_of, plan_of
from support.streams import pump

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.hw.readout.counts import CountReadout
from twinspike.numerics.emd import NO_RUNNER_UP
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.bench.runner import Run, simulate
from twinspike.sim.golden import run


def counting_plan(timesteps, neurons, lanes, threshold):
    plan = plan_of(1, timesteps, neurons, lanes, 1)
    return make_plan(counting(plan.network, verify_threshold=threshold), (lanes,))


@pytest.mark.parametrize(
    ("timesteps", "neurons", "lanes"), [(1, 1, 1), (1, 5, 2), (4, 3, 3), (7, 6, 4), (9, 10, 4)]
)
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_results_equal_the_counts(timesteps, neurons, lanes, stall):
    rng = np.random.default_rng(neurons)
    plan = counting_plan(timesteps, neurons, lanes, timesteps // 2)
    trains = rng.random((8, timesteps, neurons)) < rng.choice([0, 0.3, 1.0], size=(8, 1, neurons))
    passed = pump(CountReadout(plan), events_of(trains), expected=8, rng=rng, stall_in=stall, stall_out=stall)
    assert [fields_of(record) for record in passed.outputs] == expected(plan, trains)


def test_a_tie_goes_to_the_lower_index_and_silence_to_neuron_0():
    plan = counting_plan(3, 4, 2, 1)
    trains = np.zeros((3, 3, 4), bool)
    trains[0, :2, [1, 3]] = True
    trains[1, :, 2] = True
    passed = pump(CountReadout(plan), events_of(trains), expected=3)
    assert [fields_of(r) for r in passed.outputs] == [(1, 1, 1, 1, 0), (2, 0, 3, 1, 0), (0, 3, 3, 0, 0)]
    assert expected(counting_plan(2, 1, 1, 0), np.ones((1, 2, 1), bool)) == [(0, 0, NO_RUNNER_UP, 1, 0)]


@pytest.mark.parametrize("neurons", [1, 2, 4, 10])
def test_events_take_a_clock_each_and_a_frame_its_clearing(neurons):
    plan = counting_plan(3, neurons, 1, 0)
    trains = np.random.default_rng(0).random((4, 3, neurons)) < 0.5
    passed = pump(CountReadout(plan), events_of(trains), expected=4)
    open_from, taken, results = neurons, [], []
    for frame in trains:
        clocks = open_from + np.arange(frame.sum() + 3)
        taken += clocks.tolist()
        results.append(int(clocks[-1]) + 2)
        open_from = int(clocks[-1]) + max(neurons + 1, 3)
    assert passed.taken == taken
    assert passed.clocks == results


@pytest.mark.parametrize(
    ("lanes", "simulator"),
    [
        ((4, 3), "verilator"),
        *(pytest.param(lanes, "icarus", marks=needs("icarus")) for lanes in ((4, 3), (2, 10), (8, 1))),
    ],
)
def test_whole_core_equals_golden_model_and_cycle_model(tmp_path, lanes, simulator):
    plan = make_plan(counting(timesteps=6, shape=(12,), widths=(8, 10), verify_threshold=3), lanes)
    emit(plan, tmp_path / "rtl")
    spikes = np.random.default_rng(1).random((6, 40, 12)) < 0.4
    runs = [
        Run("back_to_back", 40),
        Run("alone", 10, isolate=True),
        Run("stalled", 20, stall_source=64, stall_sinks=128),
    ]
    rows = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim", simulator=simulator, runs=runs)["runs"]
    for row in rows:
        assert row["mismatches"] == 0 and not row["faults"] and row.get("cycles_predicted_equal", True), row
    assert len(np.unique(run(plan.network, spikes).results.label)) > 1


def test_a_wide_core_does_not_count_yet():
    network = counting(timesteps=3, shape=(4,), widths=(4,))
    said = r"hardware\.events_per_clock: tiny counts spikes .* leave events_per_clock out"
    with pytest.raises(TwinspikeError, match=said):
        make_plan(network, events_per_clock=(2,))
