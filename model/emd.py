"""Earth Mover's Distance of spike trains in torch, differentiable (see :mod:`twinspike.numerics.emd`).

    EMD(a, b) = sum over n, t of | C_n^a(t) - C_n^b(t) |,   C_n(t) = spikes of n in steps 0..t

Every function takes spikes of values 0 and 1, [T, B, N], and is exact: sums of integers.
"""

import torch
from torch import Tensor


def cumulative_counts(spikes: Tensor) -> Tensor:
    """C_n(t) for spikes [T, B, N] -> [B, T, N]."""
    return torch.cumsum(spikes, 0).transpose(0, 1)


def emd(a: Tensor, b: Tensor) -> Tensor:
    """EMD of examples pairwise, in order: spikes [T, B, N] twice -> [B]."""
    return (cumulative_counts(a) - cumulative_counts(b)).abs().sum((1, 2))


def emd_matrix(a: Tensor, b: Tensor) -> Tensor:
    """EMD of every example of `a` with every one of `b`: spikes [T, B, N], [T, C, N] -> [B, C]."""
    return _CountDistance.apply(cumulative_counts(a), cumulative_counts(b))


def normalised_emd_matrix(a: Tensor, b: Tensor) -> Tensor:
    """All-pairs EMD with every train scaled to mass 1, for study: timing alone, whatever the rate.

    An empty train stands as one unit of mass at the end of the window, step T - 1.
    """
    return torch.cdist(_normalised(a), _normalised(b), p=1)


def _normalised(spikes: Tensor) -> Tensor:
    counts = cumulative_counts(spikes)
    total = counts[:, -1:]
    at_end = torch.zeros_like(counts)
    at_end[:, -1:] = (total == 0).to(counts.dtype)
    return (counts / total.clamp(min=1) + at_end).flatten(1)


class _CountDistance(torch.autograd.Function):
    """All-pairs L1 distance of cumulative counts [B, T, N] as matrix products, far faster than cdist.

    In the thermometer code A[i, d, k] = (a_id >= k), k = 1..K, |a - b| is the Hamming distance of
    the codes, so D = |A| + |B| - 2 A.B. For the gradient, sum_j g_ij sign(a_id - b_jd) needs how
    much of g_i meets a b_jd < a_id and how much a b_jd > a_id: both are entries of M = g @ B, since
    M[i, d, k] is the share of g_i that meets b_jd >= k.
    """

    @staticmethod
    def forward(ctx, a: Tensor, b: Tensor) -> Tensor:
        highest = int(torch.maximum(a[:, -1].max(), b[:, -1].max()))
        code_a, code_b = _thermometer(a, highest), _thermometer(b, highest)
        ctx.save_for_backward(a, b, code_a, code_b)
        ones = a.flatten(1).sum(1)[:, None] + b.flatten(1).sum(1)
        return ones - 2 * code_a @ code_b.T

    @staticmethod
    def backward(ctx, grad: Tensor):
        a, b, code_a, code_b = ctx.saved_tensors
        return _count_gradient(grad, a, code_b), _count_gradient(grad.T, b, code_a)


def _thermometer(counts: Tensor, highest: int) -> Tensor:
    """Counts [B, T, N] of at most `highest` = K -> code [B, T * N * K]."""
    levels = torch.arange(1, highest + 1, device=counts.device, dtype=counts.dtype)
    return (counts[..., None] >= levels).to(counts.dtype).flatten(1)


def _count_gradient(grad: Tensor, counts: Tensor, other_code: Tensor) -> Tensor:
    """sum_j grad[i, j] * sign(counts_i - other_j), the derivative of the L1 distance."""
    total = grad.sum(1)[:, None, None, None].expand(*counts.shape, 1)
    at_least = (grad @ other_code).view(*counts.shape, -1)
    at_least = torch.cat([total, at_least, torch.zeros_like(total)], -1)
    index = counts.long()[..., None]
    below = total - at_least.gather(-1, index)
    above = at_least.gather(-1, index + 1)
    return (below - above).squeeze(-1)
