"""One-shot and enrolment figures on made-up data whose answers are known."""

import numpy as np
import pytest
from support.networks import random_network

from twinspike.model.data.dataset import Dataset
from twinspike.model.data.omniglot import OneShotRun
from twinspike.study.oneshot import EXAMPLES, enrolment, one_shot

RNG = np.random.default_rng(3)


def network():
    return random_network(4, timesteps=5, shape=(6, 6), widths=(12, 10), classes=4)


def test_one_shot_is_right_where_drawings_repeat_and_wrong_where_answers_are_moved():
    known = RNG.integers(0, 256, (6, 6, 6), dtype=np.uint8)
    order = RNG.permutation(6)
    found = one_shot(network(), [OneShotRun(known, known[order], order)])
    assert found["accuracy"] == found["raw_pixels"] == 1.0 and found["runs"] == [1.0]
    wrong = one_shot(network(), [OneShotRun(known, known[order], (order + 1) % 6)])
    assert wrong["accuracy"] == 0.0


def test_enrolled_classes_are_found_among_themselves_and_among_all():
    # Classes 0..3 were trained; 4..6 are constant images, so any example is a perfect reference.
    patterns = RNG.integers(0, 256, (7, 6, 6), dtype=np.uint8)
    labels = np.repeat(np.arange(7), 30)
    dataset = Dataset("made", patterns[labels], labels, patterns[labels], labels, {})
    rows = enrolment(network(), dataset, (4, 5, 6))
    assert [row["examples"] for row in rows] == list(EXAMPLES)
    for row in rows:
        assert row["new_mean"] == 1.0 and row["new_std"] == 0.0
        # A reference of the network may lie as near, and has the lower index then.
        assert row["all_mean"] <= 1.0


def test_enrolment_needs_as_many_examples_as_it_draws():
    labels = np.repeat(np.arange(3), 5)
    images = RNG.integers(0, 256, (15, 6, 6), dtype=np.uint8)
    with pytest.raises(ValueError):
        enrolment(network(), Dataset("few", images, labels, images, labels, {}), (1, 2))
