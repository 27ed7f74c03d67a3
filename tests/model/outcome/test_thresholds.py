"""Decision thresholds of scores: F1 as scikit-learn has it, and gradients that find better ones."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from twinspike.model.outcome import thresholds


def scored(seed=0, count=400, shifts=(0.2, 0.5, 0.75)):
    """Scores whose best threshold is another one for each label."""
    rng = np.random.default_rng(seed)
    labels = rng.random((count, len(shifts))) < 0.3
    return (np.array(shifts) + 0.12 * labels + rng.normal(0, 0.05, labels.shape)).clip(0, 1), labels


@pytest.mark.parametrize("average", thresholds.AVERAGES)
def test_f1_is_that_of_scikit_learn(average):
    rng = np.random.default_rng(1)
    given, labels = rng.random((2, 50, 4)) < 0.4
    labels[:, 3] = given[:, 3] = False
    assert thresholds.f1(given, labels, average) == pytest.approx(
        f1_score(labels, given, average=average, zero_division=0)
    )


@pytest.mark.parametrize("average", thresholds.AVERAGES)
def test_the_surrogate_gradient_beats_one_threshold_on_held_out_scores(average):
    scores, labels = scored()
    held, wanted = scored(1)
    one = thresholds.one_for_all(scores, labels, average)
    assert len(set(one)) == 1
    mine = thresholds.by_surrogate(scores, labels, average, one)
    # Labels differ by three tenths and more in where they are to be cut.
    assert np.all(np.diff(mine) > 0.15)
    assert thresholds.f1(held >= mine, wanted, average) > thresholds.f1(held >= one, wanted, average) + 0.1


def test_bagging_is_steadier_than_one_way_where_rows_are_few():
    held, wanted = scored(1)
    found = {"one way": [], "bagging": []}
    for seed in range(2, 6):
        scores, labels = scored(seed, count=40)
        one = thresholds.one_for_all(scores, labels, "macro")
        mine = thresholds.by_bagging(scores, labels, "macro", 60)
        assert mine.shape == one.shape and np.array_equal(
            mine, thresholds.by_bagging(scores, labels, "macro", 60)
        )
        for name, limits in (
            ("bagging", mine),
            ("one way", thresholds.by_surrogate(scores, labels, "macro", one, 60)),
        ):
            found[name].append(thresholds.f1(held >= limits, wanted, "macro"))
    assert np.mean(found["bagging"]) > np.mean(found["one way"])


@pytest.mark.parametrize("choose", [thresholds.by_surrogate, thresholds.by_differences])
def test_no_choice_is_worse_than_its_start_on_its_own_scores(choose):
    scores, labels = scored(2)
    start = thresholds.f1(scores >= 0.5, labels, "macro")
    assert thresholds.f1(scores >= choose(scores, labels, "macro", 0.5), labels, "macro") >= start


def test_one_threshold_is_the_lowest_of_the_best():
    scores = np.array([[0.1], [0.2], [0.8], [0.9]])
    labels = np.array([[False], [False], [True], [True]])
    (found,) = thresholds.one_for_all(scores, labels, "micro")
    assert 0.2 < found <= 0.8
    assert thresholds.f1(scores >= found, labels, "micro") == 1.0


def test_thresholds_of_distances_are_whole_and_part_classes_that_can_be_parted():
    # Images of class 0 lie within 10 of their reference, of class 1 within 30; others at least 8 further.
    rng = np.random.default_rng(3)
    labels = np.arange(200) % 2
    own = rng.integers(0, np.where(labels == 0, 11, 31))
    other = rng.integers(np.where(labels == 0, 39, 19), 60)
    distance = np.where(labels[:, None] == np.arange(2), own[:, None], other[:, None])
    found = thresholds.surrogate_distances(distance, labels, np.arange(2))
    assert found.dtype == np.int32
    assert 10 <= found[0] < 19 and 30 <= found[1] < 39
    assert np.array_equal(distance <= found, labels[:, None] == np.arange(2))


def test_a_distance_that_is_its_threshold_counts_as_the_same():
    distance, labels = np.array([[3], [7], [9]]), np.array([0, 0, 1])
    (found,) = thresholds.surrogate_distances(distance, labels, np.array([0]))
    assert 7 <= found < 9
