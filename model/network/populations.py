"""Neurons of one layer over all steps as a compiled pass, where their currents come from torch's operations.

`driven` is equal to `lif` of lif.py; `normalised` to a layer with `norm = "batch"` (quant/layers/norm.py) and
its neurons in training, one after the other: what travels through memory is the integer current, once.
"""

import math

import torch
from torch import Tensor

from ...quant.layers.base import SparseSpikes
from ...quant.layers.norm import LEAST_VARIANCE, Normalised
from ...quant.spec import NeuronSpec
from ..inputs.trains import with_bits
from ..kernels.lif import lif_backward, lif_forward
from ..kernels.norm import moments, norm_backward


def driven(current: Tensor, threshold: Tensor, spec: NeuronSpec, slope: float, steps: int) -> Tensor:
    """Spikes [T, B, N], to be written, for currents [T, B, N], or [1, B, N] that count in all T steps.

    See `lif`.
    """
    return with_bits(*_Driven.apply(current, threshold, spec, slope, steps))


def normalised(
    spikes: Tensor | SparseSpikes, synapses: Normalised, spec: NeuronSpec, slope: float, steps: int
) -> Tensor:
    """Spikes [T, B, N], to be written, of a layer whose currents this batch normalises, in training.

    Input [T, B, A], or [1, B, A] that counts in all T steps.
    """
    weight, _ = synapses.tensor()
    current = synapses.product(spikes, weight, torch.zeros_like(synapses.bias)).contiguous()
    with torch.no_grad():
        mean, variance = moments(current.detach(), len(synapses.bias))
        synapses.follow(mean, variance)
        unit = synapses.unit(variance)
        counted = synapses.counted(unit, mean)
    assert synapses.level is not None
    given = (current, synapses.level, synapses.bias)
    return with_bits(*_Normalised.apply(*given, *counted, mean, variance, unit, spec, slope, steps))


class _Driven(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, threshold, spec, slope, steps):
        current, threshold = current.contiguous(), threshold.contiguous()
        none = torch.zeros_like(threshold)
        bits, membranes = lif_forward(current, none, threshold, spec, steps)
        ctx.save_for_backward(threshold, membranes)
        ctx.spec, ctx.slope, ctx.hold = spec, slope, len(current) < steps
        ctx.mark_non_differentiable(bits)
        return torch.empty(steps, *current.shape[1:]), bits

    @staticmethod
    def backward(ctx, grad: Tensor, _bits: Tensor):
        threshold, membranes = ctx.saved_tensors
        steep = _steepness(threshold, ctx.slope)
        current = lif_backward(grad, threshold, steep, membranes, ctx.spec, hold=ctx.hold)
        return current, None, None, None, None


class _Normalised(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, level, bias, counted_bias, threshold, mean, variance, unit, spec, slope, steps):
        places = current.shape[-1] // len(bias)
        counted_bias, threshold = counted_bias.repeat(places), threshold.repeat(places)
        bits, membranes = lif_forward(current, counted_bias, threshold, spec, steps)
        ctx.save_for_backward(current, threshold, membranes, mean, variance, unit)
        ctx.spec, ctx.slope, ctx.hold = spec, slope, len(current) < steps
        ctx.mark_non_differentiable(bits)
        return torch.empty(steps, *current.shape[1:]), bits

    @staticmethod
    def backward(ctx, grad: Tensor, _bits: Tensor):
        current, threshold, membranes, mean, variance, unit = ctx.saved_tensors
        steep = _steepness(threshold, ctx.slope)
        by_current = lif_backward(grad, threshold, steep, membranes, ctx.spec, hold=ctx.hold)
        # real = unit * (current - mean) + bias, counted in units that are held fixed; unit and mean
        # are those of the batch, and so depend on the current.
        by_sum, by_product = norm_backward(current, mean, variance + LEAST_VARIANCE, by_current)
        return by_current, by_product, by_sum / unit, *[None] * 8


def _steepness(threshold: Tensor, slope: float) -> Tensor:
    return (math.pi * slope) ** 2 / threshold
