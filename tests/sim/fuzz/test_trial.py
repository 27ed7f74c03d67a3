"""A few cases through real simulators, and the findings that a trial must make."""

import dataclasses

import numpy as np
import pytest
from support.cases import CASE, LAYER

from twinspike.sim import golden
from twinspike.sim.bench.direct import Workshop
from twinspike.sim.fuzz import trial
from twinspike.sim.fuzz.trial import Differs, attempt, predict

# Three layers, lanes that do not divide, more mishaps than frames, a hold, resets: one core for all tests.
HARD = dataclasses.replace(
    CASE,
    mishaps=9,
    stall_source=128,
    stall_sinks=128,
    networks=4,
    layers=(*CASE.layers, dataclasses.replace(LAYER, neurons=4, lanes=4, single_spike=True, reset="zero")),
)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("workshop"))


def test_sound_and_hostile_streams_of_several_networks_on_one_core(workshop):
    counts = attempt(HARD, workshop)
    assert workshop.built == 1 and counts["networks"] == 4
    assert counts["sound_frames"] == 2 * counts["frames_on_time"] == 48
    assert counts["hostile_frames"] > counts["damaged_frames"] > 12
    assert counts["scalar_frames"] == 24 and counts["resets"] and counts["long_holds"]
    attempt(dataclasses.replace(HARD, networks=1), workshop)
    assert workshop.built == 1


def spoil_images(monkeypatch):
    ours = trial.memory_images

    def spoilt(plan):
        images = ours(plan)
        name = next(n for n in images if "layer1" in n and "weights" in n)
        return {**images, name: images[name].translate(str.maketrans("01", "10"))}

    monkeypatch.setattr(
        trial, "memory_images", lambda plan: ours(plan) if plan.network.name == "case0" else spoilt(plan)
    )


def spoil_times(monkeypatch):
    monkeypatch.setattr(trial, "frame_times", lambda *_, isolate: (np.zeros(6), np.zeros(6)))


def spoil_flags(monkeypatch):
    ours = trial.sanitise
    monkeypatch.setattr(trial, "sanitise", lambda *a, **k: (ours(*a, **k)[0] * 0, ours(*a, **k)[1]))


def spoil_scalar(monkeypatch):
    monkeypatch.setattr(trial.scalar, "run", lambda *_: ([], ()))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_images, r"network 1, .* first mismatch"),
        (spoil_times, r"network 0, .* differ from the contract"),
        (spoil_flags, r"network 0, hostile, .* differ"),
        (spoil_scalar, r"golden model and scalar interpreter disagree"),
    ],
)
def test_every_kind_of_difference_is_found(workshop, monkeypatch, spoil, message):
    spoil(monkeypatch)
    with pytest.raises(Differs, match=message):
        attempt(dataclasses.replace(HARD, networks=2), workshop)


def test_a_core_that_says_nothing_hangs(workshop, monkeypatch):
    def deaf(case, rng, one):
        return dataclasses.replace(one, hold_from=0, hold_for=1 << 31, patience=3000)

    monkeypatch.setattr(trial, "_disturbed", deaf)
    with pytest.raises(Differs, match="hangs after 0 of 6 results"):
        attempt(dataclasses.replace(HARD, networks=1), workshop)


def test_prediction_of_a_sound_stream_is_the_golden_model_and_duplicates_wrap():
    plan, spikes = HARD.plan(HARD.network(0)), HARD.spikes(0)
    ours, theirs = predict(plan, spikes.astype(np.int64)), golden.run(plan.network, spikes)
    assert all(map(np.array_equal, ours.spikes, theirs.spikes))
    assert np.array_equal(ours.results.distance, theirs.results.distance)
    weight = plan.layers[0].layer.weight
    neuron, source = np.argwhere(weight > 0)[0]
    many = np.zeros((4, 1, 11), dtype=np.int64)
    # A whole turn of the accumulator and not one weight more: as if nothing had come.
    many[0, 0, source] = 1 << plan.layers[0].accumulator_bits
    none = predict(plan, many * 0)
    assert np.array_equal(predict(plan, many).spikes[0][:, :, neuron], none.spikes[0][:, :, neuron])
    many[0, 0, source] //= 4 * int(weight[neuron, source])
    assert not np.array_equal(predict(plan, many).spikes[0], none.spikes[0])
