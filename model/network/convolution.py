"""A convolution and its neurons as one compiled pass, an image at a time, forward and backward.

Currents are sums of weights over the input's events, as are the weights' gradients over the same events, so
both cost what the events cost; the gradient of the input is that of a dense convolution. An input may spike
several times a step. Equal to `quant.layers.conv` and `model.network.lif` one after the other.
"""

import ctypes
import math

import torch
from torch import Tensor

from ...quant.layers.conv import QuantConv
from ...quant.spec import NeuronSpec
from ..inputs.events import Events
from ..inputs.trains import known_bits, with_bits
from ..kernels.conv import Given, Window, conv_backward, conv_forward
from ..kernels.events import set_bits
from ..kernels.weights import counted, integer_weights, real_gradients

# Beyond this share of inputs that spike torch's dense convolution is quicker than going through events: in
# general, where the input map has a single channel, and for fewer than MANY filters, whose sums fill no
# register. Measured on one thread, forward and backward.
BUSY, BUSY_SINGLE, BUSY_FEW, MANY = 0.3, 0.15, 0.08, 16
# Images that are asked how many of their inputs spike.
ASKED = 8


def busy(spikes: Tensor | Events, synapses: QuantConv) -> bool:
    """Whether so many inputs spike in some images of the batch that torch's own convolution is quicker.

    Groups never are: torch convolves them one by one. A held input is read once, whatever it is.
    """
    conv = synapses.conv
    if conv.groups > 1 or synapses.hold:
        return False
    if isinstance(spikes, Events):
        count, places = len(spikes.address), math.prod(spikes.shape)
    elif (bits := known_bits(spikes)) is not None:
        count, places = set_bits(bits), spikes.numel()
    else:
        some = spikes.detach()[:, :: max(1, spikes.shape[1] // ASKED)]
        count, places = int(some.count_nonzero()), some.numel()
    limit = BUSY_FEW if conv.filters < MANY else BUSY if conv.map[2] > 1 else BUSY_SINGLE
    return count > places * limit


def layer(spikes: Tensor | Events, synapses: QuantConv, spec: NeuronSpec, slope: float) -> Tensor:
    """Spikes [T, B, N], to be written, of `synapses` and neurons that behave as `spec` says.

    Input spikes [T, B, A]. Where the layer holds its input, only step 0 is read.
    """
    conv = synapses.conv
    weight, bias, threshold = _integers(synapses)
    grouped = weight.view(conv.groups, conv.filters // conv.groups, -1, *conv.kernel)
    rows = grouped.permute(0, 2, 3, 4, 1).flatten(0, 1).contiguous()
    places = conv.neurons // conv.filters
    inputs = None
    if isinstance(spikes, Events):
        given = Given(address=spikes.address, start=spikes.start)
    else:
        inputs, bits = spikes, known_bits(spikes)
        given = Given(inputs.detach().contiguous()) if bits is None else Given(bits=bits)
    units = (rows, bias.repeat(places), threshold.repeat(places))
    shape = (spikes.shape[0], spikes.shape[1])
    return with_bits(*_Conv.apply(inputs, *units, given, shape, synapses, spec, slope))


def _integers(synapses: QuantConv) -> tuple[Tensor, Tensor, Tensor]:
    """`synapses.integers()`, compiled where thresholds follow from the weights alone."""
    if not synapses.plain:
        return synapses.integers()
    rule = synapses.linear.weight_quant.tensor_quant.rule
    weight, bias, threshold = _Integers.apply(synapses.acting(), synapses.bias, rule, synapses.spec)
    return weight.view(synapses.weight_shape), bias, threshold


class _Integers(torch.autograd.Function):
    """Integer weights, biases and thresholds of real-valued weights [N, A] and biases [N]."""

    @staticmethod
    def forward(ctx, weight, bias, rule, spec):
        units = counted(weight.detach().contiguous(), bias, rule, spec)
        ctx.save_for_backward(weight)
        ctx.units = units
        ctx.mark_non_differentiable(units.threshold)
        return integer_weights(units.weight), units.bias, units.threshold

    @staticmethod
    def backward(ctx, by_weight: Tensor, by_bias: Tensor, _threshold: Tensor):
        _ = ctx.saved_tensors  # to notice that the weight was changed in place meanwhile
        return real_gradients(ctx.units.weight, by_weight), by_bias * ctx.units.slope, None, None


class _Conv(torch.autograd.Function):
    @staticmethod
    def forward(ctx, inputs, weight, bias, threshold, given, shape, synapses, spec, slope):
        window, hold = window_of(synapses), synapses.hold
        bits, membranes = conv_forward(window, weight, bias, threshold, given, shape, spec, hold=hold)
        ctx.save_for_backward(weight, threshold, membranes, *given)
        ctx.window, ctx.spec, ctx.slope, ctx.hold = window, spec, slope, hold
        ctx.mark_non_differentiable(bits)
        return torch.empty(*shape, len(bias)), bits

    @staticmethod
    def backward(ctx, grad: Tensor, _bits: Tensor):
        weight, threshold, membranes, *given = ctx.saved_tensors
        further = ctx.needs_input_grad[0]
        steepness = (math.pi * ctx.slope) ** 2 / threshold
        by_weight, by_bias, by_input = conv_backward(
            ctx.window,
            weight,
            grad,
            threshold,
            steepness,
            Given(*given),
            membranes,
            ctx.spec,
            hold=ctx.hold,
            inputs=further,
        )
        return by_input, by_weight, by_bias, *(None,) * 6


def window_of(synapses: QuantConv) -> Window:
    """The geometry of a convolution as kernels take it."""
    conv = synapses.conv
    pairs = ((ctypes.c_int64 * 2)(*pair) for pair in (conv.kernel, conv.stride, conv.padding, conv.dilation))
    return Window(*conv.map, *conv.places, conv.filters, conv.groups, *pairs)
