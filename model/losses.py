"""Siamese losses over Earth Mover's Distances, and the price of hidden spikes.

Every pair of a batch counts: a loss takes the distance matrix [B, B] (EMD / (outputs * T), so that
one spike moved by one step weighs alike in every network) and the labels [B], and gives a scalar.
"""

import torch
from torch import Tensor
from torch.nn import functional

from .distances import distance_matrix
from .settings import TrainingSettings


def embedding_loss(spikes: Tensor, labels: Tensor, settings: TrainingSettings) -> Tensor:
    """The loss that `settings` choose, on output spikes [T, B, N] and labels [B]."""
    distance = distance_matrix(settings.distance, spikes, spikes, settings.tau)
    if settings.loss == "triplet":
        return triplet(distance, labels, settings.margin)
    if settings.loss == "contrastive":
        return contrastive(distance, labels, settings.margin)
    return supervised_contrastive(distance, labels, settings.temperature)


def supervised_contrastive(distance: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """-log of the softmax over -distance / temperature, averaged over each example's positives.

    Khosla et al., "Supervised Contrastive Learning", 2020, equation 2, with a distance in place
    of the inner product. Examples without a positive in the batch do not count.
    """
    same, _ = _pairs(labels)
    positives = same.sum(1)
    counted = (positives > 0) / (positives > 0).sum().clamp(min=1)
    share = same * (counted / positives.clamp(min=1))[:, None]
    own = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    # Finite, so that the share of 0 that an example has in itself cancels it; its exponential is 0.
    logits = (distance / -temperature).masked_fill(own, -1e4)
    return functional.cross_entropy(logits, share, reduction="sum")


def contrastive(distance: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Squared distance of same pairs, squared shortfall to `margin` of different ones, equally weighted.

    Hadsell, Chopra & LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006.
    """
    same, different = _pairs(labels)
    pull = (distance.square() * same).sum() / same.sum().clamp(min=1)
    push = (functional.relu(margin - distance).square() * different).sum() / different.sum().clamp(min=1)
    return pull + push


def triplet(distance: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Mean of relu(d(anchor, positive) - d(anchor, negative) + margin) over the triplets that violate it.

    All B^3 triplets of the batch count ("batch all" of Hermans et al., "In Defense of the Triplet
    Loss", 2017): the hardest negatives alone collapse small networks. Keep the batch moderate.
    """
    same, different = _pairs(labels)
    excess = functional.relu(distance[:, :, None] - distance[:, None, :] + margin)
    excess = excess * (same[:, :, None] & different[:, None, :])
    return excess.sum() / (excess > 0).sum().clamp(min=1)


def activity_penalty(hidden: list[Tensor], target: float) -> Tensor:
    """relu(mean spikes of a hidden neuron an image - target), summed over hidden layers [T, B, N]."""
    return sum((functional.relu(spikes.sum(0).mean() - target) for spikes in hidden), torch.zeros(()))


def _pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Masks [B, B] of same-label pairs (not with itself) and of different-label pairs."""
    equal = labels[:, None] == labels[None]
    own = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return equal & ~own, ~equal
