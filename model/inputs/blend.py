"""Augmentation between samples: one of a class drawn towards another of that class.

A linear classifier of the widest margin separates the convex hulls of its classes (Bennett, Bredensteiner,
"Duality and geometry in SVM classifiers", ICML 2000). Samples from inside a hull, such as a word between
two speakers, ask a network for the same.
"""

import torch
from torch import Tensor

# Shares are whole numbers of 1 / ONE, so that spikes stay in order exactly.
ONE = 256


def blended(
    samples: Tensor,
    labels: Tensor,
    probability: float,
    generator: torch.Generator,
    *,
    spikes: bool,
    own: slice = slice(None),
) -> Tensor:
    """Of a batch, uint8 [B, *shape] with labels [B], the part `own`, each blended with that probability.

    The partner is any other sample of the batch with its label, the share of it uniform; a sample that has no
    partner stays. `spikes`: samples are uint8 [B, T, *map], 0 or 1. Draws are those of the whole batch.
    """
    count = len(samples)
    share = torch.randint(0, ONE + 1, (count,), generator=generator)
    share *= torch.rand(count, generator=generator) < probability
    draws = torch.rand(count, count, generator=generator).to(labels.device)
    others = (labels[:, None] == labels[None]).fill_diagonal_(False)
    best, partner = draws.masked_fill_(~others, -1.0).max(1)
    share = torch.where(best >= 0, share.to(labels.device), 0)[own].to(samples.device)
    first, second = samples[own], samples[partner[own].to(samples.device)]
    return (spikes_between if spikes else pixels_between)(first, second, share)


def pixels_between(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """uint8 [B, *shape]: the mean of both, `share` [B] / ONE of it the second's."""
    share = share.view(-1, *[1] * (first.ndim - 1)).to(torch.int32)
    return ((first * (ONE - share) + second * share + ONE // 2) // ONE).to(torch.uint8)


def spikes_between(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """uint8 [B, T, *map] of 0 and 1: the i-th spike of an address lies between the i-th spikes of both.

    A spike that is missing lies behind the last step. This is the way from one train to the other that is the
    shortest by Earth Mover's Distance (displacement interpolation: McCann, "A convexity principle for
    interacting gases", Adv. Math. 128 (1997)), rounded to steps; no two spikes come to lie in one.
    """
    steps = first.shape[1]
    share = share.view(-1, *[1] * (first.ndim - 2)).to(torch.int32)
    counts = [trains.cumsum(1, dtype=torch.int32) for trains in (first, second)]
    step = torch.arange(steps, device=first.device).view(1, -1, *[1] * (first.ndim - 2))
    between = torch.zeros_like(first)
    for spike in range(max(int(count[:, -1].max()) for count in counts)):
        one, other = ((count <= spike).sum(1, dtype=torch.int32) for count in counts)
        when = (one * (ONE - share) + other * share + ONE // 2) // ONE
        between |= (step == when[:, None]).to(torch.uint8)
    return between
