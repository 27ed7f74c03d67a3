"""Decision thresholds of single references."""

import numpy as np
import pytest

from twinspike.numerics.decision import enrolled_threshold, fitted_threshold


def cost(threshold, own, others):
    return (own > threshold).mean() + (others <= threshold).mean()


@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_makes_fewer_errors(seed):
    rng = np.random.default_rng(seed)
    own, others = rng.integers(0, 30, 9), rng.integers(10, 60, 40)
    found = fitted_threshold(own, others)
    assert cost(found, own, others) == min(cost(t, own, others) for t in range(70))


def test_where_both_are_apart_the_threshold_lies_between():
    assert fitted_threshold(np.array([3, 5]), np.array([11, 20])) == 7
    assert fitted_threshold(np.array([0]), np.array([1])) == 0


@pytest.mark.parametrize(
    ("own", "others", "wanted"),
    [
        ([0], [], 40),  # nothing but the usual threshold to go by
        ([0], [60, 100], 50),
        ([10, 12], [], 24),  # the furthest of two counts twice
        ([10, 12], [30, 50], 27),
        ([6, 9, 9, 9], [20], 16),
        ([0], [10], 9),  # below the nearest impostor
        ([0, 0], [0], 0),
    ],
)
def test_few_examples(own, others, wanted):
    assert enrolled_threshold(np.array(own), np.array(others, np.int64), 40) == wanted
