"""What a board is tried with, and the figures of classes that training left out."""

import dataclasses

import numpy as np
import pytest
from support.networks import random_network

from twinspike.boards.trial import EXAMPLES, NEW_CLASSES, decisions, make_trial, scores
from twinspike.config import load_config
from twinspike.host.check import Checked
from twinspike.model.data.dataset import Dataset
from twinspike.numerics.errors import TwinspikeError

DIGITS = load_config("digits")


def network(classes):
    return random_network(1, timesteps=3, shape=(8, 8), widths=(5,), classes=classes)


def test_where_training_saw_all_classes_single_images_get_labels_of_their_own():
    trial = make_trial(DIGITS, network(10), 20, first=4)
    assert len(trial.images) == len(trial.labels) == 20 and not trial.unseen
    assert [c.images.shape for c in trial.classes] == [(1, 8, 8)] * NEW_CLASSES
    assert min(c.label for c in trial.classes) > 9
    assert scores(trial, Checked(labels={1: [0] * 20})) == []
    with pytest.raises(TwinspikeError, match=r"--image = 900 is not allowed: expected 0..\d+, the test"):
        make_trial(DIGITS, network(10), 20, first=900)


@pytest.fixture
def withheld(monkeypatch):
    """A dataset of classes 0 to 4, of which training saw 0 to 2; an image holds its own number."""
    labels = np.arange(100) % 5
    images = np.broadcast_to(np.arange(100, dtype=np.uint8)[:, None, None], (100, 8, 8))
    every = Dataset("made", images, labels, images, labels, {})
    monkeypatch.setattr("twinspike.model.data.load.load_dataset", lambda name, **_: every)
    return make_trial(DIGITS.changed("withheld", data={"classes": 3}), network(3), 30)


def test_classes_left_out_are_enrolled_by_images_that_are_not_classified(withheld):
    assert withheld.unseen and [c.label for c in withheld.classes] == [3, 4]
    for new in withheld.classes:
        numbers = new.images[:, 0, 0]
        assert len(new.images) == EXAMPLES and (numbers % 5 == new.label).all() and numbers.min() >= 30
    assert (withheld.images[:, 0, 0] == np.arange(30)).all() and set(withheld.labels) == set(range(5))


def test_figures_of_classes_left_out(withheld):
    right = withheld.labels.tolist()
    wrong = [0 if label == 3 else label for label in right]
    perfect, worse = scores(withheld, Checked(labels={1: right, 5: wrong}))
    assert perfect["f1"] == {"3": 1, "4": 1} and perfect["accuracy"] == perfect["macro_f1"] == 1
    assert worse["f1"] == {"3": 0, "4": 1} and worse["new_macro_f1"] == 0.5 and worse["examples"] == 5
    assert worse["accuracy"] == pytest.approx(24 / 30)
    same = [[label == new for label in right[:10]] for new in (3, 4)]
    assert decisions(withheld, Checked(same=same)) == (20, 20)
    same[0][0] ^= True
    assert decisions(withheld, Checked(same=same)) == (19, 20)
    assert decisions(dataclasses.replace(withheld, classes=withheld.classes[:0]), Checked()) == (0, 0)
