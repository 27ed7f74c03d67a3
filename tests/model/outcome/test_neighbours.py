import numpy as np

from twinspike.model.outcome.neighbours import nearest_labels, subset_size
from twinspike.numerics import emd


def test_neighbours_equal_a_search_by_brute_force():
    rng = np.random.default_rng(3)
    queries, stored = (np.cumsum(rng.random((4, n, 3)) < 0.4, axis=0).astype(np.uint8) for n in (40, 70))
    labels = rng.integers(0, 4, 70)
    found = nearest_labels(queries, stored, labels, k=3, progress=False)
    for b in range(40):
        distance = emd.emd(queries[:, b : b + 1], stored)
        near = labels[np.lexsort((np.arange(70), distance))[:3]]
        votes = np.bincount(near, minlength=4)
        assert found[b] == votes.argmax()


def test_neighbours_of_silent_trains_and_of_few_examples():
    silent = np.zeros((3, 2, 2), np.uint8)
    assert nearest_labels(silent, silent, np.array([5, 1]), k=3, progress=False).tolist() == [1, 1]


def test_the_search_is_bounded_for_long_and_busy_trains():
    assert subset_size(10_000, np.full((8, 1, 32), 3, np.uint8)) == 10_000
    assert subset_size(10_000, np.full((255, 1, 32), 255, np.uint8)) == 500
