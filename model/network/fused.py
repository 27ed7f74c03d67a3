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
from ..inputs.events import Events, events_of_spikes, with_bits
from ..kernels import native
from ..kernels.layers import layer_backward, layer_forward
from ..kernels.weights import counted
from . import convolution


def usable(spikes: Tensor | Events, weight: Tensor) -> bool:
    """Whether the compiled pass can work on a layer of this weight."""
    return native.usable(weight) and (isinstance(spikes, Events) or native.usable(spikes))


def layer(spikes: Tensor | Events, synapses: QuantLayer, spec: NeuronSpec, slope: float) -> Tensor:
    """Spikes [T, B, N] of `synapses` and neurons that behave as `spec` says; input spikes [T, B, A]."""
    rule, real = synapses.linear.weight_quant.tensor_quant.rule, synapses.weight.detach()
    # As training folds them: the membranes of `spec` may have been narrowed since.
    units = counted(real, synapses.bias.detach(), rule, synapses.spec)
    if not synapses.plain:  # no gradient is asked for
        _, bias, threshold = synapses.integers()
        units = units._replace(bias=bias.contiguous(), threshold=threshold.contiguous())
    events, inputs = spikes, None
    if isinstance(spikes, Tensor):
        events, inputs = events_of_spikes(spikes), spikes
    widest = max(spec.state_bits, synapses.spec.state_bits)
    return with_bits(
        *_Layer.apply(inputs, synapses.weight, synapses.bias, units, events, spec, widest, slope)
    )


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, weight, bias, units, events, spec, widest, slope):
        spikes, membranes, bits = layer_forward(
            units.weight,
            units.bias,
            units.threshold,
            events.address,
            events.start,
            events.shape[1],
            spec,
            widest,
        )
        # The weight is saved to notice that it was changed in place meanwhile.
        ctx.save_for_backward(weight, membranes, events.address, events.start)
        ctx.units, ctx.spec, ctx.slope = units, spec, slope
        ctx.mark_non_differentiable(bits)
        return spikes, bits

    @staticmethod
    def backward(ctx, grad: Tensor, _bits: Tensor):
        _, membranes, address, start = ctx.saved_tensors
        units, further = ctx.units, ctx.needs_input_grad[0]
        steepness = (math.pi * ctx.slope) ** 2 / units.threshold
        by_weight, by_bias, by_current = layer_backward(
            units.weight,
            grad,
            membranes,
            units.threshold,
            steepness,
            address,
            start,
            ctx.spec,
            currents=further,
        )
        by_input = by_current @ units.weight.integers() if further else None
        return by_input, by_weight, by_bias.mul_(units.slope), *(None,) * 5


# Layer kinds that have a compiled pass; the others run as torch's own operations.
PASSES = {"dense": layer, "conv": convolution.layer}
# Those of them that are slower than torch's operations on some inputs, and how to tell.
BUSY = {"conv": convolution.busy}
# Those of them whose inputs may spike several times a step and be held.
COUNTED = ("conv",)
