"""Distances of spike trains to train and compare with: EMD, and three others for study.

Each is a norm of the difference of two feature vectors, so one definition serves the loss (all pairs of
a batch), the nearest reference, and neighbours:

    emd              L1 of cumulative counts, the distance of the core
    emd-normalised   L1 of cumulative counts scaled to mass 1 (timing alone; see `emd.py`)
    spike-count      L2 of spike counts: no timing at all
    van-rossum       L2 of trains filtered by exp(-t / tau) (van Rossum, "A Novel Spike Distance", 2001)

All are scaled to the same range, whatever the network: the L1 ones by outputs and steps, the L2 ones to 1
at most, by the root of the number of entries and the largest value. The scaling is ours.
"""

import math

import torch
from torch import Tensor

from .emd import cumulative_counts, emd_matrix, normalised_counts


def distance_matrix(kind: str, a: Tensor, b: Tensor, tau: float) -> Tensor:
    """Every example of `a` with every one of `b`: spikes [T, B, N], [T, C, N] -> [B, C], differentiable."""
    if kind == "emd":
        return emd_matrix(a, b) / (a.shape[0] * a.shape[2])
    return feature_distance(kind, features(kind, a, tau), features(kind, b, tau))


def features(kind: str, spikes: Tensor, tau: float) -> Tensor:
    """Spikes [T, B, N] -> the vectors [B, D] whose distance `kind` is; `tau` in steps (van Rossum)."""
    steps, _, outputs = spikes.shape
    if kind == "emd":
        return cumulative_counts(spikes).flatten(1) / (steps * outputs)
    if kind == "emd-normalised":
        return normalised_counts(spikes).flatten(1) / (steps * outputs)
    if kind == "spike-count":
        return spikes.sum(0) / (steps * math.sqrt(outputs))
    decay = math.exp(-1 / tau)
    trace, traces = torch.zeros_like(spikes[0]), []
    for t in range(steps):
        trace = trace * decay + spikes[t]
        traces.append(trace)
    return torch.cat(traces, 1) * ((1 - decay) / math.sqrt(steps * outputs))


def feature_distance(kind: str, a: Tensor, b: Tensor) -> Tensor:
    """Distances of feature vectors [B, D], [C, D] -> [B, C]."""
    return torch.cdist(a, b, p=1 if kind.startswith("emd") else 2)


def class_centres(kind: str, vectors: Tensor, labels: Tensor) -> Tensor:
    """The best single vector of each class, labels ascending [K, D]: the median for L1, the mean for L2.

    They minimise the summed distance, or the summed squared distance, to the class's examples.
    """
    centres = []
    for label in labels.unique():
        own = vectors[labels == label]
        centres.append(own.median(0).values if kind.startswith("emd") else own.mean(0))
    return torch.stack(centres)
