"""Earth Mover's Distance of spike trains in torch, differentiable (see :mod:`twinspike.numerics.emd`).

    EMD(a, b) = sum over n, t of | C_n^a(t) - C_n^b(t) |,   C_n(t) = spikes of n in steps 0..t

Every function takes spikes of values 0 and 1, [T, B, N], and is exact: sums of integers.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..kernels import distances, native

# Counts up to this many fit a byte.
BYTE = 255


def cumulative_counts(spikes: Tensor) -> Tensor:
    """C_n(t) for spikes [T, B, N] -> [B, T, N]."""
    return torch.cumsum(spikes, 0).transpose(0, 1)


def emd(a: Tensor, b: Tensor) -> Tensor:
    """EMD of examples pairwise, in order: spikes [T, B, N] twice -> [B]."""
    return (cumulative_counts(a) - cumulative_counts(b)).abs().sum((1, 2))


def emd_matrix(a: Tensor, b: Tensor) -> Tensor:
    """EMD of every example of `a` with every one of `b`: spikes [T, B, N], [T, C, N] -> [B, C].

    Pass the same tensor twice for all pairs of one batch: it costs half as much.
    """
    if len(a) <= BYTE and native.usable(a, b):
        return _SpikeDistance.apply(a, b)
    counts = cumulative_counts(a)
    return _CountDistance.apply(counts, counts if b is a else cumulative_counts(b))


def normalised_counts(spikes: Tensor) -> Tensor:
    """C_n(t) of spikes [T, B, N] with every train scaled to mass 1 -> [B, T, N]: timing, whatever the rate.

    An empty train stands as one unit of mass at the end of the window, step T - 1.
    """
    counts = cumulative_counts(spikes)
    total = counts[:, -1:]
    at_end = torch.zeros_like(counts)
    at_end[:, -1:] = (total == 0).to(counts.dtype)
    return counts / total.clamp(min=1) + at_end


class _SpikeDistance(torch.autograd.Function):
    """All-pairs EMD of spikes [T, B, N], [T, C, N] by the compiled kernels."""

    @staticmethod
    def forward(ctx, a: Tensor, b: Tensor) -> Tensor:
        counts_a = distances.cumulative_counts(a)
        counts_b = counts_a if b is a else distances.cumulative_counts(b)
        ctx.save_for_backward(counts_a, counts_b)
        return distances.count_distances(counts_a, counts_b)

    @staticmethod
    def backward(ctx, grad: Tensor):
        a, b = ctx.saved_tensors
        if a is b:
            return distances.count_gradient(grad + grad.T, a, a), None
        return distances.count_gradient(grad.T, a, b), distances.count_gradient(grad, b, a)


class _CountDistance(torch.autograd.Function):
    """All-pairs L1 distance of cumulative counts [B, T, N] as matrix products, far faster than cdist.

    In the thermometer code A[d, i] = (a_i,place(d) >= level(d)), |a - b| is the Hamming distance of the
    codes, so D = |A| + |B| - 2 A'B. Rows in which all examples agree cancel out and are left away,
    usually two thirds of them.

    For the gradient, sum_j g_ij sign(a_i - b_j) at one place needs how much of g_i meets a b_j < a_i and
    how much a b_j > a_i. With M = B g', M[d, i] is the share of g_i that meets b_j >= level(d); so
    the former is all of g_i less M at the level a_i, the latter M at the level a_i + 1.
    """

    @staticmethod
    def forward(ctx, a: Tensor, b: Tensor) -> Tensor:
        ctx.shapes = a.shape, b.shape
        flat_a = _flat(a)
        flat_b = flat_a if b is a else _flat(b)
        levels = _telling_levels(flat_a, flat_b)
        code_a = _thermometer(flat_a, levels)
        code_b = code_a if b is a else _thermometer(flat_b, levels)
        ctx.save_for_backward(flat_a, flat_b, code_a, code_b, *levels)
        return (code_a.sum(0)[:, None] + code_b.sum(0)).addmm_(code_a.T, code_b, alpha=-2)

    @staticmethod
    def backward(ctx, grad: Tensor):
        shape_a, shape_b = ctx.shapes
        flat_a, flat_b, code_a, code_b, *levels = ctx.saved_tensors
        if code_a is code_b:
            return _count_gradient(grad + grad.T, flat_a, code_a, _Levels(*levels), shape_a), None
        return (
            _count_gradient(grad, flat_a, code_b, _Levels(*levels), shape_a),
            _count_gradient(grad.T, flat_b, code_a, _Levels(*levels), shape_b),
        )


class _Levels(NamedTuple):
    """The least count of every place [places], and place [rows] and level [rows, 1] of the code's rows."""

    least: Tensor
    place: Tensor
    level: Tensor


def _telling_levels(a: Tensor, b: Tensor) -> _Levels:
    """The levels (least < level <= most) at which some examples of counts [places, B] differ."""
    least, most = (a if b is a else torch.cat([a, b], 1)).aminmax(dim=1)
    levels = (most - least).long()
    place = torch.repeat_interleave(levels)
    first = levels.cumsum(0) - levels
    level = least[place] + 1 + (torch.arange(len(place), device=a.device) - first[place])
    return _Levels(least, place, level[:, None])


def _flat(counts: Tensor) -> Tensor:
    """Counts [B, T, N] -> [places, B]."""
    return counts.permute(1, 2, 0).reshape(-1, len(counts))


def _thermometer(counts: Tensor, levels: _Levels) -> Tensor:
    """Whether counts [places, B] reach each level: 0 or 1, [rows, B]."""
    found = counts.index_select(0, levels.place)
    return torch.ge(found, levels.level, out=found)


def _count_gradient(grad: Tensor, counts: Tensor, code: Tensor, levels: _Levels, shape) -> Tensor:
    """sum_j grad[i, j] * sign(counts_i - other_j) as `shape` [B, T, N]; `code` is that of `other`."""
    at_least = code @ grad.T
    # 1 at the levels a_i and a_i + 1, where |a_i - level + 1/2| is 1/2, else 0.
    beyond = counts.index_select(0, levels.place).sub_(levels.level - 0.5).abs_()
    at_least.mul_(torch.lt(beyond, 1, out=beyond))
    # An example at the least of all counts has nobody below.
    total = (counts > levels.least[:, None]) * grad.sum(1)
    return total.index_add_(0, levels.place, at_least, alpha=-1).T.reshape(shape)
