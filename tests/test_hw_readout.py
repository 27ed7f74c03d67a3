import numpy as np
import pytest
from networks import random_network
from streams import pump

from twinspike.hw.plan import make_plan
from twinspike.hw.readout import RESULT, Readout
from twinspike.numerics import emd
from twinspike.quant.network import References
from twinspike.sim.golden import classify


def plan_of(seed, timesteps, neurons, lanes, classes, **changes):
    network = random_network(seed, timesteps=timesteps, widths=(neurons,), classes=classes)
    fields = {name: getattr(network, name) for name in network.__dataclass_fields__}
    return make_plan(type(network)(**(fields | changes)), (lanes,))


def words_of(trains, plan):
    """Spikes [frames, T, N] as the queue of all words hands them over."""
    layer, words = plan.layers[-1], []
    frames, timesteps, neurons = trains.shape
    padded = np.pad(trains, [(0, 0), (0, 0), (0, layer.words * layer.lanes - neurons)])
    for step in padded.reshape(frames * timesteps, layer.words, layer.lanes):
        last = len(words) // layer.words % timesteps == timesteps - 1
        for w, mask in enumerate(step):
            bits = sum(1 << int(j) for j in np.flatnonzero(mask))
            words.append({"mask": bits, "word": w, "end": w == layer.words - 1, "last": last})
    return words


def fields_of(record):
    return tuple(record >> RESULT[name].offset & (1 << RESULT[name].width) - 1 for name in
                 ("label", "distance", "runner_up", "same"))  # fmt: skip


def expected(plan, trains):
    results = classify(plan.network, emd.cumulative_counts(trains.transpose(1, 0, 2)))
    return [
        (int(a), int(b), int(c), int(d))
        for a, b, c, d in zip(results.label, results.distance, results.runner_up, results.same, strict=True)
    ]


@pytest.mark.parametrize("references", [1, 2, 10, 25])
@pytest.mark.parametrize(("timesteps", "neurons", "lanes"), [(1, 1, 1), (1, 5, 2), (4, 3, 3), (7, 6, 4)])
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_results_equal_the_integer_distances(references, timesteps, neurons, lanes, stall):
    rng = np.random.default_rng(references)
    plan = plan_of(
        references, timesteps, neurons, lanes, references, verify_threshold=timesteps * neurons // 4
    )
    trains = rng.random((5, timesteps, neurons)) < rng.choice([0, 0.3, 1.0], size=(5, 1, 1))
    passed = pump(
        Readout(plan), words_of(trains, plan), expected=5, rng=rng, stall_in=stall, stall_out=stall,
        extra=3 * references + 20,
    )  # fmt: skip
    assert [fields_of(record) for record in passed.outputs] == expected(plan, trains)


def test_a_tie_goes_to_the_lower_index_and_the_runner_up_is_the_same_distance():
    counts = np.zeros((4, 3, 2), np.uint8)
    counts[0] = [[1, 1], [2, 2], [3, 3]]
    references = References(counts, np.array([9, 65535, 3, 7], np.int32))
    plan = plan_of(1, 3, 2, 1, 4, references=references, verify_threshold=0)
    trains = np.zeros((2, 3, 2), bool)
    trains[1, 2, 0] = True
    passed = pump(Readout(plan), words_of(trains, plan), expected=2)
    assert [fields_of(record) for record in passed.outputs] == [(65535, 0, 0, 1), (65535, 1, 1, 0)]


@pytest.mark.parametrize(("references", "neurons"), [(1, 1), (2, 4), (3, 7), (10, 5)])
def test_words_wait_for_comparisons_of_k_clocks_each(references, neurons):
    plan = plan_of(2, 3, neurons, 2 if neurons > 1 else 1, references)
    words = plan.layers[-1].words
    trains = np.random.default_rng(0).random((1, 3, neurons)) < 0.5
    stream = words_of(trains, plan)
    passed = pump(Readout(plan), stream, expected=1)
    assert plan.compare_cycles == max(references, 3)
    # In steady state a word is taken every max(K, 3) clocks.
    gaps = np.diff(passed.taken)
    assert set(gaps[2:].tolist()) <= {plan.compare_cycles}
    assert len(passed.taken) == 3 * words
    begin = passed.taken[0] + 2 + (len(stream) - 1) * plan.compare_cycles
    assert passed.clocks == [begin + references + 6]


@pytest.mark.parametrize("references", [1, 2, 6])
def test_latency_of_a_single_word(references):
    plan = plan_of(3, 1, 2, 2, references)
    trains = np.ones((1, 1, 2), bool)
    passed = pump(Readout(plan), words_of(trains, plan), expected=1)
    assert passed.clocks == [passed.taken[0] + references + 8]
