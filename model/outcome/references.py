"""References that classify better than medians: spike trains chosen for the classes' borders.

A median is the best single representative of its class, whatever lies next to it. Here each class's train is
changed spike by spike, wherever that lowers the cross-entropy of a softmax over -EMD / temperature on the
training images: coordinate descent over spike trains, so that the result needs no rounding. The idea is that
of learning vector quantisation (Kohonen, 1990); objective and search are ours.
"""

import sys

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ...numerics import emd
from ...numerics.progress import Bar
from ...quant.network import References
from .evaluation import class_references

SWEEPS = 8
# One image of a class in so many judges whether refining helps.
HELD_OUT = 5


@torch.no_grad()
def refined(
    references: References,
    counts: np.ndarray,
    labels: np.ndarray,
    temperature: float,
    *,
    progress: bool = True,
) -> References:
    """References changed for counts uint8 [T, B, N] and labels [B]; `temperature` is in units of T * N.

    One reference per class. Passes over all spike trains until none changes, at most `SWEEPS` times.
    """
    scale = temperature * counts.shape[0] * counts.shape[2]
    label = torch.from_numpy(np.searchsorted(references.labels, labels))
    trains = [_Neuron(counts[:, :, n]) for n in range(counts.shape[2])]
    current = torch.from_numpy(references.counts.astype(np.float32))  # [K, T, N]
    distance = torch.stack(
        [sum(neuron.distance(row[None, :, n])[0] for n, neuron in enumerate(trains)) for row in current], 1
    )
    classes = range(len(current))
    for _ in Bar(range(SWEEPS), desc="references", unit="sweep", disable=not progress):
        before = current.clone()
        for k in classes:
            others = torch.logsumexp(distance[:, [j for j in classes if j != k]] / -scale, 1)
            for n, neuron in enumerate(trains):
                choices = _neighbours(current[k, :, n])
                away = neuron.distance(choices)
                away += distance[:, k] - away[0]
                loss = softplus(away / -scale - others).sum(1) + away[:, label == k].sum(1) / scale
                best = int(loss.argmin())
                current[k, :, n], distance[:, k] = choices[best], away[best]
        if torch.equal(before, current):
            break
    return References(current.numpy().astype(np.uint8), references.labels)


def refined_if_better(
    medians: References, counts: np.ndarray, labels: np.ndarray, temperature: float, *, progress: bool = True
) -> References:
    """The refined references, or the medians where refining does no good; both are tried on held-out images.

    Of each class one image in `HELD_OUT` is kept back, the others give medians and are refined for: the
    better of both on what was kept back says which kind to make of all images. Refined ones are better if
    their cross-entropy is lower, and if they do not get more images wrong than chance explains: where the
    two kinds differ in n images, sqrt(n) more.
    """
    nth = np.zeros(len(labels), dtype=np.int64)
    for label in medians.labels:
        nth[labels == label] = np.arange((labels == label).sum())
    held = nth % HELD_OUT == HELD_OUT - 1
    if not held.any():
        print(
            f"references: medians, for fewer than {HELD_OUT} images per class cannot tell if refining helps",
            file=sys.stderr,
        )
        return medians
    plain = class_references(counts[:, ~held], labels[~held])
    tried = refined(plain, counts[:, ~held], labels[~held], temperature, progress=progress)

    def judged(references: References) -> tuple[np.ndarray, float]:
        distance = emd.distances(counts[:, held], references.counts)
        index, _, _ = emd.nearest(distance)
        own = np.searchsorted(references.labels, labels[held])
        logits = torch.from_numpy(distance / (-temperature * counts.shape[0] * counts.shape[2]))
        return index == own, nn.functional.cross_entropy(logits, torch.from_numpy(own)).item()

    (before, loss_before), (after, loss_after) = judged(plain), judged(tried)
    kept = loss_after < loss_before and before.sum() - after.sum() <= np.sqrt((before != after).sum())
    print(
        f"references: {after.mean():.2%} right of {held.sum():,} images held out if refined (cross-entropy "
        f"{loss_after:.4f}), {before.mean():.2%} as medians ({loss_before:.4f}): "
        f"{'refined' if kept else 'medians'} kept",
        file=sys.stderr,
    )
    return refined(medians, counts, labels, temperature, progress=progress) if kept else medians


class _Neuron:
    """One output neuron's cumulative counts uint8 [T, B]: few of them are different."""

    def __init__(self, counts: np.ndarray):
        trains, place = np.unique(counts, axis=1, return_inverse=True)
        self.trains = torch.from_numpy(trains.T.astype(np.float32))
        self.place = torch.from_numpy(place.reshape(-1))

    def distance(self, counts: Tensor) -> Tensor:
        """L1 distances of counts [C, T] to all images: [C, B]."""
        return torch.cdist(counts, self.trains, p=1)[:, self.place]


def _neighbours(counts: Tensor) -> Tensor:
    """Counts [C, T] of a train [T], itself first, and of those with a spike more, less or moved by a step."""
    spikes = counts.diff(prepend=counts.new_zeros(1))
    turned = torch.eye(len(spikes))
    moved = turned[1:] + turned[:-1]
    moved = moved[(moved @ spikes) == 1]
    changes = torch.cat([torch.zeros(1, len(spikes)), turned, moved])
    return (spikes - changes).abs().cumsum(1)
