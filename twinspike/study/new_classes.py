"""What is asked of one network, or of raw samples, about classes that it never saw."""

from typing import Any

import numpy as np

from twinspike.model.data.dataset import Dataset
from twinspike.model.data.omniglot import load_characters, load_one_shot_runs
from twinspike.model.data.shipped import omniglot_folder
from twinspike.model.outcome.evaluation import verify_pairs
from twinspike.numerics.decision import fitted_threshold
from twinspike.study.protocols import enrolled, episodes, open_set, standard_runs
from twinspike.study.spaces import Space, Spikes

NEW_CLASSES = (7, 8, 9)
EXAMPLES = (1, 5, 20)
# Enrolments drawn for each number of examples, and episodes.
DRAWS, EPISODES = 20, 1000
# Training samples of each class that references and thresholds of known classes are made from.
TAUGHT = 500
# Distorted copies that one drawing is enrolled with, where the host makes some.
COPIES = 24
_SEED = 0
Points = dict[str, tuple[np.ndarray, np.ndarray]]


def characters(space: Space) -> dict[str, Any]:
    """Characters of the evaluation alphabets, which training on the background never showed."""
    folder = omniglot_folder()
    drawings = load_characters(folder, "evaluation")
    points, labels = space.points(drawings.images), drawings.character
    alphabet = np.unique(np.array(drawings.alphabets), return_inverse=True)[1]
    tasks = {
        f"{ways}_way_{shots}_shot{suffix}": episodes(
            space, points, labels, ways=ways, shots=shots, count=EPISODES, seed=_SEED, groups=groups
        )
        for suffix, groups in (("", None), ("_one_alphabet", alphabet))
        for ways, shots in ((5, 1), (5, 5), (20, 1), (20, 5))
    }
    runs = load_one_shot_runs(folder)
    found = {
        "standard": standard_runs(space, runs),
        "standard_copies": standard_runs(space, runs, COPIES) | {"copies": COPIES},
        **tasks,
    }
    if isinstance(space, Spikes):
        rng = np.random.default_rng(_SEED)
        found["verification"] = verify_pairs(points.transpose(1, 0, 2), labels, rng)
    return found


def new_classes(space: Space, dataset: Dataset) -> dict[str, Any]:
    """Ten classes: all enrolled, 7 to 9 enrolled beside 0 to 6, and 7 to 9 unknown."""
    data = _points(space, dataset)
    taught, asked = data["taught"], data["test"]
    none = (taught[0][:0], taught[1][:0])
    how = {"draws": DRAWS, "seed": _SEED}
    old = ~np.isin(taught[1], NEW_CLASSES)
    known = _references(space, (taught[0][old], taught[1][old]))
    new = _only(asked, NEW_CLASSES)
    found: dict[str, Any] = {
        "ten_way": [
            enrolled(space, none, taught, asked, examples=e, **how)["new"] | {"shots": e} for e in (1, 5)
        ],
        "new": list(NEW_CLASSES),
        "taught": int(np.bincount(taught[1]).max()),
        "asked": len(asked[1]),
        "enrolment": [enrolled(space, known, taught, new, examples=e, **how) for e in EXAMPLES],
    }
    distance = space.distances(taught[0][old], known[0])
    own = [
        fitted_threshold(distance[taught[1][old] == label, k], distance[taught[1][old] != label, k])
        for k, label in enumerate(known[1])
    ]
    far = space.distances(asked[0], known[0])
    nearest, best = far.argmin(axis=1), far.min(axis=1)
    beyond = best - np.array(own)[nearest]
    is_known = ~np.isin(asked[1], NEW_CLASSES)
    found["unknown"] = {
        "own_thresholds": open_set(beyond, is_known, beyond <= 0),
        "one_threshold": open_set(best, is_known, best <= _one_threshold(distance, taught[1][old], known[1])),
    }
    return found


def _one_threshold(distance: np.ndarray, labels: np.ndarray, names: np.ndarray) -> int:
    same = labels[:, None] == names[None]
    return fitted_threshold(distance[same], distance[~same])


def _points(space: Space, dataset: Dataset) -> Points:
    """Points of all test samples, and of the first `TAUGHT` training samples of each class."""
    labels = dataset.train_labels
    first = np.concatenate([np.flatnonzero(labels == label)[:TAUGHT] for label in np.unique(labels)])
    return {
        "taught": (space.points(dataset.train_images[first]), labels[first]),
        "test": (space.points(dataset.test_images), dataset.test_labels),
    }


def _references(space: Space, taught: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    names = np.unique(taught[1])
    return np.stack([space.reference(taught[0][taught[1] == name]) for name in names]), names


def _only(part: tuple[np.ndarray, np.ndarray], labels: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    chosen = np.isin(part[1], labels)
    return part[0][chosen], part[1][chosen]
