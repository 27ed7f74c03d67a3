"""Several references of a class: medians of its groups, their nearest one, and what they are refused with."""

import numpy as np
import pytest

from twinspike.model.outcome.evaluation import choose_verify_threshold, class_references, nearest_of_classes
from twinspike.model.outcome.groups import check_groups, grouped_references
from twinspike.model.settings import TrainingSettings
from twinspike.numerics import emd
from twinspike.numerics.errors import TwinspikeError

STEPS, OUTPUTS = 12, 4


def words(seed=0, count=60):
    """Cumulative counts [T, B, N] of two classes, each said in two ways, early or late, that cross over."""
    rng = np.random.default_rng(seed)
    labels, way = rng.integers(0, 2, count), rng.integers(0, 2, count)
    start = np.where(labels[:, None] == way[:, None], 2, 8) + rng.integers(-1, 2, (count, OUTPUTS))
    start[:, 2:] = 5 + 3 * way[:, None]
    return (np.arange(STEPS)[:, None, None] >= start).astype(np.uint8), labels


def right(references, counts, labels):
    return float((references.labels[emd.distances(counts, references.counts).argmin(1)] == labels).mean())


def test_groups_tell_apart_what_one_median_cannot():
    (counts, labels), (held, wanted) = words(), words(1)
    one, two = class_references(counts, labels), grouped_references(counts, labels, 2)
    assert two.labels.tolist() == [0, 0, 1, 1] and two.counts.shape == (4, STEPS, OUTPUTS)
    assert right(two, held, wanted) == 1 > right(one, held, wanted) + 0.2
    again = grouped_references(counts, labels, 2)
    assert np.array_equal(two.counts, again.counts)


def test_each_reference_is_the_median_of_the_images_nearest_to_it():
    counts, labels = words(2, 200)
    found = grouped_references(counts, labels, 5)
    for label in (0, 1):
        own, medians = counts[:, labels == label], found.counts[found.labels == label]
        assert 2 <= len(medians) <= 5 and len(np.unique(medians, axis=0)) == len(medians)
        nearest = emd.distances(own, medians).argmin(1)
        for k, median in enumerate(medians):
            assert np.array_equal(emd.median_reference(own[:, nearest == k]), median)


def test_a_class_has_no_more_references_than_different_images():
    counts, labels = words(count=8)
    counts[:, labels == 0] = counts[:, :1]
    found = grouped_references(counts, labels, 4)
    assert (found.labels == 0).sum() == 1 and (found.labels == 1).sum() <= (labels == 1).sum()


def test_the_nearest_reference_of_a_class_counts():
    distance = np.array([[5, 1, 3], [2, 9, 7]])
    found, classes = nearest_of_classes(distance, np.array([0, 1, 0]))
    assert classes.tolist() == [0, 1] and found.tolist() == [[3, 1], [2, 9]]
    same, classes = nearest_of_classes(distance, np.array([4, 1, 2]))
    assert same is distance and classes.tolist() == [4, 1, 2]
    counts, labels = words()
    references = grouped_references(counts, labels, 2)
    distance = emd.distances(counts, references.counts)
    assert choose_verify_threshold(distance, labels, references.labels) < distance.max() / 2


@pytest.mark.parametrize("key", ["reference_temperature", "own_thresholds"])
def test_what_is_for_one_reference_is_refused(key):
    usual = {"references": 3, "reference_temperature": 0.0, "own_thresholds": False}
    check_groups(TrainingSettings(**usual))
    with pytest.raises(TwinspikeError, match=r"training\.references = 3 needs"):
        check_groups(TrainingSettings(**usual | {key: 0.1 if key == "reference_temperature" else True}))
