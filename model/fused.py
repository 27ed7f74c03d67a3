"""A layer of synapses and neurons as one compiled pass over its events, forward and backward.

Currents are added up and neurons stepped an image at a time, so that neither currents nor their
gradients travel through memory; the same values as `quant.layers` and `model.lif` give one after the other.
"""

import math

import torch
from torch import Tensor

from ..quant.network import NeuronSpec
from . import native
from .events import Events, events_of_spikes


def usable(spikes: Tensor | Events, weight: Tensor) -> bool:
    """Whether the compiled pass can work on a layer of this weight."""
    return native.usable(weight) and (isinstance(spikes, Events) or native.usable(spikes))


def layer(
    spikes: Tensor | Events, weight: Tensor, bias: Tensor, threshold: Tensor, spec: NeuronSpec, slope: float
) -> Tensor:
    """Spikes [T, B, N] of weight [N, A], bias and threshold [N], integer-valued; input spikes [T, B, A]."""
    if isinstance(spikes, Events):
        return _Layer.apply(None, weight, bias, threshold, spikes, spec, slope)
    return _Layer.apply(spikes, weight, bias, threshold, events_of_spikes(spikes.detach()), spec, slope)


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, weight, bias, threshold, events, spec, slope):
        bias, threshold = bias.contiguous(), threshold.contiguous()
        spikes, membranes = native.layer_forward(
            weight.T.contiguous(), bias, threshold, events.address, events.start, events.shape[1], spec
        )
        ctx.save_for_backward(membranes, weight, threshold, events.address, events.start)
        ctx.spec, ctx.slope = spec, slope
        return spikes

    @staticmethod
    def backward(ctx, grad: Tensor):
        membranes, weight, threshold, address, start = ctx.saved_tensors
        further = ctx.needs_input_grad[0]
        scale = (math.pi * ctx.slope) ** 2 / threshold
        by_weight, by_bias, by_current = native.layer_backward(
            grad, membranes, threshold, scale, address, start, weight.shape[1], ctx.spec, currents=further
        )
        by_input = by_current @ weight if further else None
        return by_input, by_weight.T.contiguous(), by_bias, None, None, None, None
