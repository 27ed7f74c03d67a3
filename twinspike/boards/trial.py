"""What a board is tried with: images to classify, classes to enrol, and how well it tells them apart."""

import dataclasses
from typing import Any

import numpy as np

from twinspike.config import Config
from twinspike.flow.plans import test_images
from twinspike.host.check import Checked, NewClass
from twinspike.numerics.errors import out_of_range
from twinspike.quant.network import Network

NEW_CLASSES = 3  # enrolled where training saw all classes
EXAMPLES = 5  # images of a class that training left out
NEW_LABEL = 1000  # of the first image enrolled; beyond the labels that networks have


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """`images` uint8 [B, *shape] with their `labels` [B], and `classes` to be enrolled.

    `unseen`: the classes are those that training left out. Else they are single images under labels of
    their own, which says nothing about how good the network is.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: list[NewClass]
    unseen: bool


def make_trial(config: Config, network: Network, frames: int, first: int = 0) -> Trial:
    """`frames` test images from number `first` on, and the classes to enrol.

    Where the dataset left classes out, these are enrolled by the last test images of each one, and the
    images to be classified are of all classes. Raises TwinspikeError if there are not as many images.
    """
    if not config.data.classes:
        images, labels = test_images(config, network, first + frames + NEW_CLASSES)
        _check(first, len(images) - NEW_CLASSES)
        new = [NewClass(NEW_LABEL + at, images[first + at][None]) for at in range(NEW_CLASSES)]
        start = first + NEW_CLASSES
        return Trial(images[start:], labels[start:], new, False)
    every = np.iinfo(np.int32).max
    images, labels = test_images(config, network, every, all_classes=True)
    unseen = np.setdiff1d(labels, network.references.labels)
    last = {int(label): np.flatnonzero(labels == label)[-EXAMPLES:] for label in unseen}
    end = int(min(at.min() for at in last.values()))
    _check(first, end)
    some = slice(first, min(first + frames, end))
    new = [NewClass(label, images[at]) for label, at in last.items()]
    return Trial(images[some], labels[some], new, True)


def scores(trial: Trial, checked: Checked) -> list[dict[str, Any]]:
    """How the classes that training left out are told apart, one row for each number of examples.

    `f1`: of each new class among all classes, and `new_macro_f1` their mean; `macro_f1` and `accuracy` over
    all classes. Empty if the trial has no such classes.
    """
    from sklearn.metrics import f1_score

    if not trial.unseen:
        return []
    new = [one.label for one in trial.classes]
    rows = []
    for examples, found in checked.labels.items():
        f1 = f1_score(trial.labels, found, labels=new, average=None, zero_division=0)
        rows.append(
            {
                "examples": examples,
                "images": len(found),
                "f1": dict(zip(map(str, new), map(float, f1), strict=True)),
                "new_macro_f1": float(np.mean(f1)),
                "macro_f1": float(f1_score(trial.labels, found, average="macro", zero_division=0)),
                "accuracy": float(np.mean(np.array(found) == trial.labels)),
            }
        )
    return rows


def decisions(trial: Trial, checked: Checked) -> tuple[int, int]:
    """How many of the decisions same or different are right, and how many there were."""
    truth = [
        [label == new.label for label in trial.labels[: len(found)]]
        for new, found in zip(trial.classes, checked.same, strict=False)
    ]
    pairs = [pair for both in zip(checked.same, truth, strict=False) for pair in zip(*both, strict=True)]
    return sum(bool(found == wanted) for found, wanted in pairs), len(pairs)


def _check(first: int, available: int) -> None:
    if not 0 <= first < available:
        raise out_of_range("--image", first, f"0..{available - 1}, the test images there are")
