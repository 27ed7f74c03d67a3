"""Distances between cumulative spike counts by the kernels of distances.cpp."""

import torch
from torch import Tensor

from .native import call


def cumulative_counts(spikes: Tensor) -> Tensor:
    """Counts uint8 [B, T, N] of spikes [T, B, N], T at most 255."""
    steps, batch, outputs = spikes.shape
    counts = torch.empty(batch, steps, outputs, dtype=torch.uint8)
    rest = (steps, batch, outputs, torch.get_num_threads())
    call("cumulative_counts", spikes.contiguous(), counts, *rest)
    return counts


def count_distances(a: Tensor, b: Tensor) -> Tensor:
    """L1 distances float32 [B, C] of counts uint8 [B, T, N] and [C, T, N], contiguous."""
    out = torch.empty(len(a), len(b))
    call("count_distances", a, b, out, *out.shape, a[0].numel(), torch.get_num_threads())
    return out


def count_gradient(grad: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Gradient [T, B, N] of the spikes of `a` for that of its distances to `b`, transposed: grad [C, B].

    Counts uint8 a [B, T, N] and b [C, T, N].
    """
    batch, steps, outputs = a.shape
    out = torch.empty(steps, batch, outputs)
    call(
        "count_gradient", grad.contiguous(), a, b, out, steps, batch, len(b), outputs, torch.get_num_threads()
    )
    return out
