"""The membrane readout: sums against golden model and scalar interpreter, clock by clock as documented."""

import dataclasses

import numpy as np
import pytest
from support.networks import summing

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.hw.predict.placement import stored
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.bench.runner import Run, simulate
from twinspike.sim.golden import run

# (widths, lanes, target, spec)
CORES = [
    ((8, 10), (4, 3), "generic", {"state_bits": 12}),
    ((7, 1), (2, 1), "generic", {"state_bits": 6, "reset": "zero"}),
    ((8, 10), (3, 4), "up5k", {"state_bits": 8, "reset": "zero"}),
    ((9, 8, 21), (4, 4, 2), "ecp5-25k", {"state_bits": 9, "leak_shift": 0}),
    ((11,), (5,), "generic", {"state_bits": 16, "weight_bits": 8}),
]


@pytest.mark.parametrize("widths, lanes, target, spec", CORES)
def test_a_core_equals_golden_model_and_cycle_model(widths, lanes, target, spec, tmp_path):
    network = summing(timesteps=6, shape=(12,), widths=widths, **spec)
    distance = run(network, np.random.default_rng(1).random((6, 40, 12)) < 0.4).results.distance
    network = dataclasses.replace(network, verify_threshold=int(np.median(distance)))
    plan = make_plan(network, lanes, target)
    emit(plan, tmp_path / "rtl")
    spikes = np.random.default_rng(1).random((6, 40, 12)) < 0.4
    runs = [
        Run("back_to_back", 40),
        Run("alone", 10, isolate=True),
        Run("stalled", 20, stall_source=64, stall_sinks=128),
    ]
    rows = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim", runs=runs)["runs"]
    for row in rows:
        assert row["mismatches"] == 0 and not row["faults"] and row.get("cycles_predicted_equal", True), row
    results = run(network, spikes).results
    assert 0 < results.same.sum() < 40 or network.outputs == 1
    assert len(np.unique(results.label)) > 1 or network.outputs == 1


def test_more_steps_than_a_distance_of_trains_allows(tmp_path):
    network = summing(timesteps=300, shape=(5,), widths=(4, 3), state_bits=10)
    plan = make_plan(network, (2, 2))
    emit(plan, tmp_path / "rtl")
    spikes = np.random.default_rng(2).random((300, 4, 5)) < 0.2
    row = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim", runs=[Run("back_to_back", 4)])["runs"][0]
    assert row["mismatches"] == 0 and row["cycles_predicted_equal"], row
    assert run(network, spikes).results.distance.max() > 10_000


def test_the_sums_are_the_only_memory_of_the_readout():
    plan = make_plan(summing(timesteps=6, shape=(12,), widths=(8, 10), state_bits=12), (4, 3))
    found = {memory.name: memory for memory in stored(plan)}
    assert plan.distance_bits == (6 * 4095 + 1).bit_length() == 15
    assert (found["readout.sums"].depth, found["readout.sums"].width) == (4, 3 * 15)
    assert found["queue1.memory"].width > 3 * 12 and "layer1.neurons.threshold" not in found


@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"events_per_clock": (1, 1)},
            r"^hardware\.events_per_clock: tiny adds up membranes instead of comparing",
        ),
        (
            {"slots": 3},
            r"^hardware\.slots = 3: tiny adds up membranes instead of comparing references",
        ),
    ],
)
def test_what_has_references_only_is_refused(options, message):
    with pytest.raises(TwinspikeError, match=message):
        make_plan(summing(), **options)
