"""Convolutions with Brevitas-quantised weights, one scale per output channel, as integers at all times.

With `standardise`, the weights that act are, for each output channel,

    w = gain * (v - mean(v)) / std(v)

of the parameters v and a learnt gain (Qiao et al., "Micro-Batch Training with Batch-Channel Normalization
and Weight Standardization", 2019): it is what lets convolutions of few bits learn. Integers and thresholds
are made of w, as quant/layers/dense.py does, so nothing of it is left in the exported layer.
"""

from math import prod

import torch
from brevitas.function.ops_ste import round_ste
from brevitas.nn import QuantLinear
from torch import Tensor, nn

from ..quantizers import weight_quantizer
from ..synapses.conv import Conv, ConvSettings
from ..synapses.maps import as_map, pair
from .base import QuantLayer, SparseSpikes

# Added to the variance of a channel's weights.
EPSILON = 1e-10


class QuantConv(QuantLayer):
    """Convolution over a channel-last map; the parameter is [filters, C / groups * kh * kw]."""

    def __init__(self, synapses: Conv, settings: ConvSettings, where: str = "layer"):
        fan_in = synapses.map[2] // synapses.groups * prod(synapses.kernel)
        linear = QuantLinear(
            fan_in,
            synapses.filters,
            bias=False,
            weight_quant=weight_quantizer(settings.weight_bits),
            weight_bit_width=settings.weight_bits,
        )
        super().__init__(synapses, linear, settings.spec, where)
        self.conv = synapses
        self.gain = nn.Parameter(torch.ones(synapses.filters, 1)) if settings.standardise else None

    @classmethod
    def of(cls, shape: tuple[int, ...], settings: ConvSettings, where: str) -> "QuantConv":
        """The layer of a configuration's entry behind a map of `shape`."""
        map = as_map(shape, where)
        kernel, stride, padding, dilation = (
            pair(getattr(settings, name), low, 255, f"{where}.{name}")
            for name, low in (("kernel", 1), ("stride", 1), ("padding", 0), ("dilation", 1))
        )
        synapses = Conv.over(map, settings.channels, kernel, stride, padding, dilation, settings.groups)
        synapses.check_windows(prod(map), where)
        return cls(synapses, settings, where)

    @property
    def others(self) -> list[nn.Parameter]:
        return super().others if self.gain is None else [*super().others, self.gain]

    def reset_parameters(self, std: float, bias: float, generator: torch.Generator) -> None:
        super().reset_parameters(std, bias, generator)
        if self.gain is not None:
            with torch.no_grad():
                self.gain.fill_(std)

    def acting(self) -> Tensor:
        """The real-valued weights that the integers are made of, [filters, fan in]."""
        if self.gain is None or self.fan_in == 1:
            return self.weight
        centred = self.weight - self.weight.mean(1, keepdim=True)
        return self.gain * centred * (centred.square().mean(1, keepdim=True) + EPSILON).rsqrt()

    def integers(self) -> tuple[Tensor, Tensor, Tensor]:
        weight, scale = self.linear.weight_quant.tensor_quant.integers(self.acting())
        kernel = (self.conv.filters, -1, *self.conv.kernel)
        return weight.view(kernel), *self.folded(scale)

    def forward(self, spikes: Tensor | SparseSpikes) -> tuple[Tensor, Tensor]:
        conv, dense = self.conv, spikes if isinstance(spikes, Tensor) else spikes.as_tensor()
        weight, bias, threshold = self.integers()
        # A channel-last map seen channel-first is torch's own memory format for images: nothing moves.
        images = dense.reshape(-1, *conv.map).permute(0, 3, 1, 2)
        current = nn.functional.conv2d(
            images, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups
        )
        if current.device.type != "cpu":
            # A GPU may go through fractions (Winograd); they are far less than half off an integer.
            current = round_ste(current)
        flat = current.permute(0, 2, 3, 1).reshape(*dense.shape[:-1], conv.neurons)
        return flat, threshold.repeat(conv.neurons // conv.filters)
