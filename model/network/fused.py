"""A layer of synapses and neurons as one compiled pass over its events, forward and backward.

Weights become integers as they are read, currents are added up and neurons stepped an image at a time,
so that neither integers nor currents nor their gradients travel through memory; the same values as
`quant.layers` and `model.network.lif` give one after the other.
"""

import math

import torch
from torch import Tensor

from ...quant.layers.base import QuantLayer
from ...quant.spec import NeuronSpec
from ..inputs.events import Events, events_of_spikes
from ..kernels import native
from ..kernels.layers import layer_backward, layer_forward
from . import convolution


def usable(spikes: Tensor | Events, weight: Tensor) -> bool:
    """Whether the compiled pass can work on a layer of this weight."""
    return native.usable(weight) and (isinstance(spikes, Events) or native.usable(spikes))


def layer(spikes: Tensor | Events, synapses: QuantLayer, spec: NeuronSpec, slope: float) -> Tensor:
    """Spikes [T, B, N] of `synapses` and neurons that behave as `spec` says; input spikes [T, B, A]."""
    quantised = synapses.quantised()
    folded = synapses.folded(quantised.scale) if synapses.plain else synapses.integers()[1:]
    bias, threshold = folded
    events, inputs = spikes, None
    if isinstance(spikes, Tensor):
        events, inputs = events_of_spikes(spikes.detach()), spikes
    return _Layer.apply(inputs, synapses.weight, bias, threshold, quantised, events, spec, slope)


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, weight, bias, threshold, quantised, events, spec, slope):
        bias, threshold = bias.contiguous(), threshold.contiguous()
        spikes, membranes = layer_forward(
            quantised, bias, threshold, events.address, events.start, events.shape[1], spec
        )
        # The weight is saved to notice that it was changed in place meanwhile.
        ctx.save_for_backward(weight, membranes, threshold, events.address, events.start)
        ctx.quantised, ctx.spec, ctx.slope = quantised, spec, slope
        return spikes

    @staticmethod
    def backward(ctx, grad: Tensor):
        _, membranes, threshold, address, start = ctx.saved_tensors
        further = ctx.needs_input_grad[0]
        steepness = (math.pi * ctx.slope) ** 2 / threshold
        by_weight, by_bias, by_current = layer_backward(
            ctx.quantised, grad, membranes, threshold, steepness, address, start, ctx.spec, currents=further
        )
        by_input = by_current @ ctx.quantised.integers() if further else None
        return by_input, by_weight, by_bias, None, None, None, None, None


# Layer kinds that have a compiled pass; the others run as torch's own operations.
PASSES = {"dense": layer, "conv": convolution.layer}
# Those of them that are slower than torch's operations on some inputs, and how to tell.
BUSY = {"conv": convolution.busy}
# Those of them whose inputs may spike several times a step and be held.
COUNTED = ("conv",)
