"""Means, deviations and gradients of normalised currents, by the kernels of norm.cpp."""

import torch
from torch import Tensor

from .native import call


def moments(current: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Mean and variance [channels] of currents [..., places * channels]."""
    mean, variance = torch.empty(channels), torch.empty(channels)
    rows = current.numel() // channels
    call("norm_moments", current, mean, variance, rows, channels, torch.get_num_threads())
    return mean, variance


def norm_backward(current: Tensor, mean: Tensor, variance: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    """Make of the gradient [..., places * channels] of (current - mean) / (its deviation, held fixed) that of
    the current, in place; `variance` is the one that is divided by.

    Returns, for each channel, the sums of the gradient as given, and of it times (current - mean).
    """
    channels = len(mean)
    by_sum, by_product = torch.empty(channels), torch.empty(channels)
    rows = current.numel() // channels
    call(
        "norm_backward",
        current,
        mean,
        variance,
        grad,
        by_sum,
        by_product,
        rows,
        channels,
        torch.get_num_threads(),
    )
    return by_sum, by_product
