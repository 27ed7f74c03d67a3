"""Spike trains that compiled layers keep as bits: the floats are made when somebody reads them.

Layers hand bits to each other, 1/32 of what floats take. The tensor that stands for the spikes, and carries
their gradient, has its memory but no values until `written` is asked for them.
"""

import torch
from torch import Tensor

from ..kernels import native
from ..kernels.events import bits_of_spikes, set_bits, write_spikes

# Attributes of such tensors; nobody changes spikes in place.
_BITS, _WRITTEN = "twinspike_bits", "twinspike_written"


def with_bits(spikes: Tensor, bits: Tensor) -> Tensor:
    """`spikes` [T, B, N], without values yet, with the bits [T * B, W] that say which they have."""
    setattr(spikes, _BITS, bits)
    setattr(spikes, _WRITTEN, False)
    return spikes


def known_bits(spikes: Tensor) -> Tensor | None:
    """The bits that `with_bits` gave them, if any."""
    return getattr(spikes, _BITS, None)


def bits_of(spikes: Tensor) -> Tensor:
    """Bits [T * B, W] of float32 spikes [T, B, N], whatever they are kept as; what is not 0 is a spike."""
    bits = known_bits(spikes)
    return bits_of_spikes(spikes.detach().flatten(0, 1).contiguous()) if bits is None else bits


def written(spikes: Tensor) -> Tensor:
    """The same tensor, with its values."""
    if not getattr(spikes, _WRITTEN, True):
        write_spikes(getattr(spikes, _BITS), spikes.detach().flatten(0, 1))
        setattr(spikes, _WRITTEN, True)
    return spikes


def mean_spikes(spikes: Tensor) -> Tensor:
    """The mean of spikes [T, B, N], with its gradient."""
    bits = known_bits(spikes)
    return spikes.mean() if bits is None or not native.usable(spikes) else _Mean.apply(spikes, bits)


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx, spikes: Tensor, bits: Tensor) -> Tensor:
        ctx.shape = spikes.shape
        return spikes.new_tensor(set_bits(bits) / spikes.numel())

    @staticmethod
    def backward(ctx, grad: Tensor):
        return (grad / ctx.shape.numel()).expand(ctx.shape), None
