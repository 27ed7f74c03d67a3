"""Which images meet in a batch: any, or several of each of its classes."""

import torch
from torch import Tensor


def epoch_order(labels: Tensor, per_class: int, generator: torch.Generator) -> Tensor:
    """Order int64 [N] of one epoch's images, drawn from `generator` (on the CPU).

    With `per_class`, images of a class follow one another in groups of that many: with many classes
    a batch drawn at random would hold hardly a pair of one class, and there would be nothing to learn.
    """
    shuffled = torch.randperm(len(labels), generator=generator)
    if not per_class:
        return shuffled
    by_class = shuffled[labels.cpu()[shuffled].argsort(stable=True)]
    ordered = labels.cpu()[by_class]
    _, sizes = ordered.unique_consecutive(return_counts=True)
    within = torch.arange(len(labels)) - (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
    starts = within % per_class == 0
    group = starts.cumsum(0) - 1
    place = torch.randperm(int(starts.sum()), generator=generator)
    return by_class[place[group].argsort(stable=True)]


def with_quarter_turns(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Square images [N, S, S] and their three turns [4 N, S, S]; a turn of a class is a class of its own."""
    classes = int(labels.max()) + 1
    turned = torch.cat([images.rot90(turns, (1, 2)) for turns in range(4)])
    return turned, torch.cat([labels + turns * classes for turns in range(4)])
