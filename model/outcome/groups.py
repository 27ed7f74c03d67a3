"""Several references of a class: medians of groups of its images.

What belongs to a class need not look alike: a word is said in several ways. Images of a class are parted
into groups so that each lies near the median of its own group, by EMD, the distance that the core compares
by: k-medians, whose first medians are images that lie far from each other (Arthur & Vassilvitskii,
"k-means++", 2007, with distances in place of their squares). The nearest reference's label answers.
"""

from __future__ import annotations

import numpy as np

from ...numerics import emd
from ...numerics.errors import TwinspikeError
from ...quant.network import References
from ..settings import TrainingSettings

ROUNDS = 30


def check_groups(settings: TrainingSettings) -> None:
    """Raise TwinspikeError for settings that are for one reference of each class."""
    if settings.references > 1 and (settings.reference_temperature or settings.own_thresholds):
        raise TwinspikeError(
            f"training.references = {settings.references} needs training.reference_temperature = 0 and "
            "training.own_thresholds = false: references of one class are neither refined nor judged alone"
        )


def grouped_references(counts: np.ndarray, labels: np.ndarray, groups: int) -> References:
    """Up to so many references of each class from cumulative counts [T, B, n_out] and labels [B].

    Labels ascend. The draws are seeded by the label, so that equal images give equal references.
    """
    tables, names = [], []
    for label in np.unique(labels).tolist():
        own = _medians(counts[:, labels == label], groups, np.random.default_rng(label))
        tables.append(own)
        names += [label] * len(own)
    return References(np.concatenate(tables), np.array(names, np.int32))


def _medians(counts: np.ndarray, groups: int, generator: np.random.Generator) -> np.ndarray:
    """Medians uint8 [K, T, N], different from each other, of the groups of counts [T, B, N]."""
    medians = _far_apart(counts, groups, generator)
    before = None
    for _ in range(ROUNDS):
        group = emd.distances(counts, medians).argmin(1)
        if before is not None and np.array_equal(group, before):
            break
        before = group
        medians = np.stack([emd.median_reference(counts[:, group == one]) for one in np.unique(group)])
        medians = np.unique(medians, axis=0)
    return medians


def _far_apart(counts: np.ndarray, groups: int, generator: np.random.Generator) -> np.ndarray:
    """Some of the images [T, B, N], each the likelier the further it lies from those chosen before."""
    chosen = [int(generator.integers(counts.shape[1]))]
    away = emd.distances(counts, counts[:, chosen].transpose(1, 0, 2))[:, 0]
    while len(chosen) < groups and away.any():
        chosen.append(int(generator.choice(len(away), p=away / away.sum())))
        away = np.minimum(away, emd.distances(counts, counts[:, chosen[-1:]].transpose(1, 0, 2))[:, 0])
    return counts[:, chosen].transpose(1, 0, 2).astype(np.uint8)
