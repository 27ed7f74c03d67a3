"""Decision thresholds of single references."""

import numpy as np
import pytest

from twinspike.numerics.decision import ACCEPTED, enrolled_threshold, fitted_threshold


def cost(threshold, own, others):
    return (own > threshold).mean() + (others <= threshold).mean()


@pytest.mark.parametrize("seed", range(20))
def test_a_fitted_threshold_stays_close_to_its_class_and_below_the_border(seed):
    rng = np.random.default_rng(seed)
    own, others = rng.integers(0, 30, 60), rng.integers(10, 60, 40)
    found = fitted_threshold(own, others)
    border = int(np.argmin([cost(t, own, others) for t in range(70)]))
    most = min(t for t in range(70) if (own <= t).mean() >= ACCEPTED)
    assert found == min(border, most)


def test_far_impostors_change_nothing_and_near_ones_lower_it():
    own = np.arange(1, 101)
    assert fitted_threshold(own, np.array([200, 300])) == 95
    assert fitted_threshold(own, np.array([51] * 9 + [200])) == 50
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
