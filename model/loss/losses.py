"""Siamese losses over Earth Mover's Distances, and the price of hidden spikes.

Every pair of a batch counts: a loss takes the distance matrix [B, B] (EMD / (outputs * T), so that
one spike moved by one step weighs alike in every network) and the labels [B], and gives a scalar.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..inputs.trains import mean_spikes, written
from ..settings import TrainingSettings
from . import whole
from .distances import distance_matrix


def embedding_loss(spikes: Tensor, labels: Tensor, settings: TrainingSettings) -> Tensor:
    """The loss that `settings` choose, on output spikes [T, B, N] and labels [B]."""
    usual = settings.distance == "emd" and settings.loss == "supervised-contrastive"
    if usual and whole.usable(spikes, labels):
        return whole.contrast_of_distances(spikes, labels, settings.temperature)
    distance = distance_matrix(settings.distance, spikes, spikes, settings.tau)
    if settings.loss == "triplet":
        return triplet(distance, labels, settings.margin)
    if settings.loss == "contrastive":
        return contrastive(distance, labels, settings.margin)
    return supervised_contrastive(distance, labels, settings.temperature)


def summed_loss(membranes: Tensor, labels: Tensor, unit: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of the output neurons' mean membranes [B, N] over the steps, and labels [B].

    `unit` is what counts as 1 in them: the layer's mean threshold, though nothing reaches it.
    """
    logits = membranes / (unit * temperature)
    return functional.cross_entropy(logits, labels)


def supervised_contrastive(distance: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """-log of the softmax over -distance / temperature, averaged over each example's positives.

    Khosla et al., "Supervised Contrastive Learning", 2020, equation 2, with a distance in place
    of the inner product. Examples without a positive in the batch do not count.
    """
    return _SupervisedContrastive.apply(distance, labels, temperature)


class _SupervisedContrastive(torch.autograd.Function):
    """In one node: [B, B] is large, and autograd would walk over it three times as often."""

    @staticmethod
    def forward(ctx, distance: Tensor, labels: Tensor, temperature: float) -> Tensor:
        same = _same(labels).to(distance.dtype)
        positives = same.sum(1)
        counted = (positives > 0) / (positives > 0).sum().clamp(min=1)
        share = counted / positives.clamp(min=1)
        # Finite, so that the share of 0 that an example has in itself cancels it; its exponential is 0.
        logits = (distance * (-1 / temperature)).fill_diagonal_(-1e4)
        log_softmax = functional.log_softmax(logits, 1)
        ctx.save_for_backward(log_softmax, same, counted, share)
        ctx.temperature = temperature
        return -torch.linalg.vecdot(torch.linalg.vecdot(log_softmax, same), share)

    @staticmethod
    def backward(ctx, grad: Tensor):
        log_softmax, same, counted, share = ctx.saved_tensors
        by_logits = log_softmax.exp().mul_(counted[:, None]).addcmul_(same, share[:, None], value=-1)
        return by_logits.mul_(grad * (-1 / ctx.temperature)), None, None


def contrastive(distance: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Squared distance of same pairs, squared shortfall to `margin` of different ones, equally weighted.

    Hadsell, Chopra & LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006.
    """
    same, different = _same(labels), _different(labels)
    pull = (distance.square() * same).sum() / same.sum().clamp(min=1)
    push = (functional.relu(margin - distance).square() * different).sum() / different.sum().clamp(min=1)
    return pull + push


def triplet(distance: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Mean of relu(d(anchor, positive) - d(anchor, negative) + margin) over the triplets that violate it.

    All B^3 triplets of the batch count ("batch all" of Hermans et al., "In Defense of the Triplet
    Loss", 2017): the hardest negatives alone collapse small networks. Keep the batch moderate.
    """
    same, different = _same(labels), _different(labels)
    excess = functional.relu(distance[:, :, None] - distance[:, None, :] + margin)
    excess = excess * (same[:, :, None] & different[:, None, :])
    return excess.sum() / (excess > 0).sum().clamp(min=1)


def activity_penalty(layers: Sequence[Tensor], targets: Sequence[float | None]) -> Tensor:
    """relu(mean spikes of a neuron per image - target), summed over layers [T, B, N]; None: no price."""
    priced = [pair for pair in zip(layers, targets, strict=True) if pair[1] is not None]
    means = [(len(spikes) * mean_spikes(spikes), target) for spikes, target in priced]
    return sum((functional.relu(mean - target) for mean, target in means), torch.zeros(()))


def squared_activity(layers: Sequence[Tensor], targets: Sequence[float | None]) -> Tensor:
    """Half the mean square of a neuron's spikes in a step, summed over layers [T, B, N]; None: no price.

    The regularisation of Pellegrini et al., arXiv 2011.06846, and of StereoSpike, arXiv 2109.13751, as their
    code has it (s2net, models.py; network/loss.py). Unlike the price above it has no target, and its gradient
    reaches only neurons in steps in which they spike: the others' membranes may grow as they like.
    """
    priced = [train for train, target in zip(layers, targets, strict=True) if target is not None]
    return sum((written(spikes).square().mean() / 2 for spikes in priced), torch.zeros(()))


PRICES = {"excess": activity_penalty, "squares": squared_activity}


def _same(labels: Tensor) -> Tensor:
    """Mask [B, B] of pairs of a label, none of an example with itself."""
    return (labels[:, None] == labels[None]).fill_diagonal_(False)


def _different(labels: Tensor) -> Tensor:
    """Mask [B, B] of pairs of two labels."""
    return labels[:, None] != labels[None]
