"""The usual loss, contrasts of EMDs, in one compiled node: torch would walk over [B, B] many times."""

import torch
from torch import Tensor

from ..kernels import native
from ..kernels.contrast import contrast_backward, contrast_forward
from ..kernels.distances import count_distances, count_gradient, cumulative_counts
from .emd import BYTE


def usable(spikes: Tensor, labels: Tensor) -> bool:
    """Whether the kernels can work on output spikes [T, B, N] and labels [B]."""
    return len(spikes) <= BYTE and labels.dtype == torch.int64 and native.usable(spikes)


def contrast_of_distances(spikes: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """`losses.supervised_contrastive` of the scaled EMDs of output spikes [T, B, N] and labels [B]."""
    return _Contrast.apply(spikes, labels.contiguous(), temperature * spikes.shape[0] * spikes.shape[2])


class _Contrast(torch.autograd.Function):
    """`unit`: the distance whose share in the softmax is 1 / e of that of none."""

    @staticmethod
    def forward(ctx, spikes: Tensor, labels: Tensor, unit: float) -> Tensor:
        counts = cumulative_counts(spikes)
        softmax, loss, positives = contrast_forward(count_distances(counts, counts), labels, unit)
        ctx.save_for_backward(counts, softmax, labels, positives)
        ctx.counted, ctx.unit = max(1, int((positives > 0).sum())), unit
        return loss.sum() / ctx.counted

    @staticmethod
    def backward(ctx, grad: Tensor):
        counts, softmax, labels, positives = ctx.saved_tensors
        by_distance = contrast_backward(softmax, labels, positives, grad.item() / (ctx.counted * ctx.unit))
        return count_gradient(by_distance, counts, counts), None, None
