"""Layers whose currents or weights are normalised in training; nothing of it is left at export.

`norm = "weight"`: the weights that act are, for each output channel,

    w = gain * (v - mean(v)) / std(v)

of the parameters v and a learnt gain (Qiao et al., "Micro-Batch Training with Batch-Channel Normalization
and Weight Standardization", 2019). Integers and thresholds are made of w, as quant/layers/base.py does.

`norm = "batch"`: the currents of a channel have mean 0 and a learnt standard deviation exp(level), counted
in thresholds, over batch, steps and places (Ioffe & Szegedy, "Batch Normalization", 2015); evaluation and
export go by running averages. Mean and deviation are measured on the integer currents, so that unit and
middle (quant/layers/base.py) are all there is to fold, into integer biases and thresholds: in evaluation the
layer is that of the exported integers, bit for bit, and in training it computes with integers as well.
"""

import torch
from brevitas.nn import QuantLinear
from torch import Tensor, nn

from ...numerics.errors import TwinspikeError, out_of_range
from ..quantizers import weight_quantizer
from ..spec import NeuronSpec
from ..synapses.base import Synapses
from ..synapses.maps import Windows, WindowsSettings
from .base import QuantLayer

# Added to the variance of a channel's weights.
EPSILON = 1e-10
# Added to the variance of a channel's integer currents, whose steps are of size 1.
LEAST_VARIANCE = 1e-2
# Smaller units give the same bias and threshold, both at the end of their range; gradients in them overflow.
LEAST_UNIT = 1e-8
# What a batch adds to the running averages.
SHARE = 0.1


class Normalised(QuantLayer):
    """A layer of one weight tensor [channels, fan in], normalised or not.

    With `layer_scale` the unit of currents is not each channel's scale but one learnt number, exp(level).
    """

    def __init__(
        self,
        synapses: Synapses,
        inputs: int,
        spec: NeuronSpec,
        norm: str,
        where: str,
        *,
        layer_scale: bool = False,
    ):
        channels, bits = synapses.channels, spec.weight_bits
        linear = QuantLinear(
            inputs, channels, bias=False, weight_quant=weight_quantizer(bits), weight_bit_width=bits
        )
        super().__init__(synapses, linear, spec, where)
        self.gain = nn.Parameter(torch.ones(channels, 1)) if norm == "weight" else None
        self.batch = norm == "batch"
        if self.batch:
            self.level = nn.Parameter(torch.zeros(channels))
            # Parameters that no gradient moves, so that checkpoints hold them.
            self.mean = nn.Parameter(torch.zeros(channels), requires_grad=False)
            self.variance = nn.Parameter(torch.ones(channels), requires_grad=False)
        if layer_scale and self.batch:
            raise out_of_range(f"{where}.layer_scale", True, 'false, where norm = "batch"')
        self.layer_scale = layer_scale
        if layer_scale:
            self.level = nn.Parameter(torch.zeros(1))

    @property
    def others(self) -> list[nn.Parameter]:
        return super().others if self.gain is None else [*super().others, self.gain]

    def share(self, owner: QuantLayer, index: int, where: str) -> None:
        super().share(owner, index, where)
        self.gain = None  # the owner's counts

    def reset_parameters(self, std: float, bias: float, generator: torch.Generator) -> None:
        super().reset_parameters(std, bias, generator)
        if self.gain is not None:
            with torch.no_grad():
                self.gain.fill_(std)
        self.reset_scale()

    def reset_scale(self) -> None:
        """Let the scale of the layer, if it has one, be the mean of its channels'."""
        if self.layer_scale:
            assert self.level is not None
            with torch.no_grad():
                self.level.fill_(self.tensor()[1].mean().log())

    def acting(self) -> Tensor:
        if self.gain is None or self.fan_in == 1:
            return self.weight
        return _Standardised.apply(self.weight, self.gain)

    def measured(self, scale: Tensor, current: Tensor | None) -> tuple[Tensor, Tensor | float]:
        if self.layer_scale:
            assert self.level is not None
            return self.level.exp().expand(self.geometry.channels), 0.0
        if not self.batch:
            return super().measured(scale, current)
        mean, variance = self.mean, self.variance
        if self.training and current is not None:
            places = current.unflatten(-1, (-1, len(self.mean))).flatten(0, -2)
            variance, mean = torch.var_mean(places, 0, correction=0)
            self.follow(mean, variance)
        return self.unit(variance), mean

    def unit(self, variance: Tensor) -> Tensor:
        """What an integer current counts in thresholds, [channels], where currents vary so much."""
        assert self.level is not None
        return (self.level.exp() * (variance + LEAST_VARIANCE).rsqrt()).clamp(min=LEAST_UNIT)

    def follow(self, mean: Tensor, variance: Tensor) -> None:
        """Let the running averages follow a batch's mean and variance [channels].

        Raises TwinspikeError where several processes have a part of the batch each.
        """
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            raise TwinspikeError('norm = "batch" measures whole batches: train with one process, or "weight"')
        with torch.no_grad():
            self.mean.lerp_(mean, SHARE)
            self.variance.lerp_(variance, SHARE)


class _Standardised(torch.autograd.Function):
    """gain * (v - mean) / std of parameters v [channels, fan in] and gains [channels, 1], as one node."""

    @staticmethod
    def forward(ctx, weight: Tensor, gain: Tensor) -> Tensor:
        centred = weight - weight.mean(1, keepdim=True)
        per_std = (centred.square().mean(1, keepdim=True) + EPSILON).rsqrt()
        ctx.save_for_backward(centred, per_std, gain)
        return gain * centred * per_std

    @staticmethod
    def backward(ctx, grad: Tensor):
        centred, per_std, gain = ctx.saved_tensors
        by_gain = (grad * centred).sum(1, keepdim=True) * per_std
        # d per_std / d centred = -centred * per_std^3 / fan in
        scale = gain * per_std
        along = by_gain * scale * per_std / centred.shape[1]
        by_centred = torch.addcmul(grad * scale, centred, along, value=-1)
        return by_centred - by_centred.mean(1, keepdim=True), by_gain


class QuantWindows(Normalised):
    """Weights shared by all places of a map; the parameter is [filters, C / groups * taps]."""

    def __init__(self, synapses: Windows, settings: WindowsSettings, where: str):
        inputs = synapses.map[2] // synapses.groups * synapses.taps
        scale = settings.layer_scale
        super().__init__(synapses, inputs, settings.spec, settings.norm, where, layer_scale=scale)
