"""The supervised contrastive loss by the kernels of contrast.cpp."""

import ctypes

import torch
from torch import Tensor

from .native import call


def contrast_forward(distance: Tensor, labels: Tensor, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """Softmax [B, B] of -distance / temperature over the others, each example's loss, and its positives [B].

    Distances float32 [B, B] and labels int64 [B], contiguous.
    """
    softmax = torch.empty_like(distance)
    loss, positives = torch.empty(len(labels)), torch.empty(len(labels))
    scale = ctypes.c_float(1 / temperature)
    call(
        "contrast_forward",
        distance,
        labels,
        softmax,
        loss,
        positives,
        scale,
        len(labels),
        torch.get_num_threads(),
    )
    return softmax, loss, positives


def contrast_backward(softmax: Tensor, labels: Tensor, positives: Tensor, factor: float) -> Tensor:
    """Gradient [B, B] of the distances, each pair's two ways added: `factor` times the logits', negated."""
    grad = torch.empty_like(softmax)
    call("contrast_backward", softmax, labels, positives, grad, ctypes.c_float(factor), len(labels))
    return grad
