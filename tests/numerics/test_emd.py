import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from twinspike.numerics import emd


def pairs_of(count):
    """`count` trains [T, N] of one shape."""
    shape = st.shared(st.tuples(st.integers(1, 9), st.integers(1, 4)), key="shape")
    return st.tuples(*[arrays.arrays(bool, shape)] * count)


def distance(a, b):
    return int(emd.emd(emd.cumulative_counts(a), emd.cumulative_counts(b)))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_equals_the_wasserstein_distance_for_equal_counts(data):
    a = data.draw(arrays.arrays(bool, st.tuples(st.integers(1, 12), st.just(1))))
    b = a[data.draw(st.permutations(range(len(a))))]
    if a.any():
        steps_a, steps_b = np.flatnonzero(a), np.flatnonzero(b)
        # scipy scales each train to mass 1
        expected = wasserstein_distance(steps_a, steps_b) * len(steps_a)
        assert distance(a, b) == pytest.approx(expected, abs=1e-9)
    else:
        assert distance(a, b) == 0


@settings(max_examples=200, deadline=None)
@given(pairs_of(2))
def test_equals_the_wasserstein_distance_with_surplus_at_the_end_of_the_window(pair):
    a, b = pair
    timesteps, neurons = a.shape
    total = 0.0
    for n in range(neurons):
        steps_a, steps_b = np.flatnonzero(a[:, n]).tolist(), np.flatnonzero(b[:, n]).tolist()
        mass = max(len(steps_a), len(steps_b))
        steps_a += [timesteps] * (mass - len(steps_a))
        steps_b += [timesteps] * (mass - len(steps_b))
        total += wasserstein_distance(steps_a, steps_b) * mass if mass else 0
    assert distance(a, b) == pytest.approx(total, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(pairs_of(3))
def test_is_a_metric(trains):
    a, b, c = trains
    assert distance(a, a) == 0
    assert distance(a, b) == distance(b, a) >= 0
    assert (distance(a, b) == 0) == np.array_equal(a, b)
    assert distance(a, c) <= distance(a, b) + distance(b, c)


def test_one_spike_moved_by_one_step_costs_one_and_lost_at_step_t_costs_the_rest():
    train = np.zeros((8, 2), dtype=bool)
    train[3, 1] = True
    moved, empty = np.roll(train, 1, axis=0), np.zeros_like(train)
    assert distance(train, moved) == 1
    assert distance(train, empty) == 8 - 3


def test_distances_are_those_of_each_frame_to_each_reference():
    rng = np.random.default_rng(0)
    spikes = rng.random((6, 5, 4)) < 0.4
    references = np.cumsum(rng.random((3, 6, 4)) < 0.4, axis=1).astype(np.uint8)
    table = emd.distances(emd.cumulative_counts(spikes), references)
    for b in range(5):
        for k in range(3):
            by_hand = sum(
                abs(int(spikes[: t + 1, b, n].sum()) - int(references[k, t, n]))
                for t in range(6)
                for n in range(4)
            )
            assert table[b, k] == by_hand
    assert table.dtype == np.int64


def test_counts_of_255_steps_do_not_wrap():
    busy = np.ones((255, 40), dtype=bool)
    assert distance(busy, ~busy) == 40 * 255 * 256 // 2


def test_nearest_gives_ties_to_the_lower_index_and_knows_the_runner_up():
    index, best, runner_up = emd.nearest(np.array([[5, 3, 3], [1, 9, 4], [7, 8, 2]]))
    assert index.tolist() == [1, 0, 2]
    assert best.tolist() == [3, 1, 2]
    assert runner_up.tolist() == [3, 4, 7]


def test_one_reference_has_no_runner_up():
    index, best, runner_up = emd.nearest(np.array([[5], [0]]))
    assert index.tolist() == [0, 0] and best.tolist() == [5, 0]
    assert runner_up.tolist() == [emd.NO_RUNNER_UP] * 2 == [0xFFFFFFFF] * 2


@settings(max_examples=100, deadline=None)
@given(arrays.arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 7), st.integers(1, 3))), st.data())
def test_median_reference_is_a_spike_train_and_the_best_one(spikes, data):
    counts = emd.cumulative_counts(spikes)
    reference = emd.median_reference(counts)
    growth = np.diff(reference.astype(int), axis=0, prepend=0)
    assert reference.dtype == np.uint8 and set(np.unique(growth)) <= {0, 1}
    other = emd.cumulative_counts(data.draw(arrays.arrays(bool, reference.shape)))
    cost = emd.emd(counts, reference[:, None]).sum()
    assert cost <= emd.emd(counts, other[:, None]).sum()
