"""Convolutions with Brevitas-quantised weights, one scale per output channel, as integers at all times."""

from math import prod

from torch import Tensor, nn

from ..synapses.conv import Conv, ConvSettings
from ..synapses.maps import as_map, pair
from .base import SparseSpikes
from .norm import QuantWindows


class QuantConv(QuantWindows):
    """Convolution over a channel-last map; the parameter is [filters, C / groups * kh * kw]."""

    def __init__(self, synapses: Conv, settings: ConvSettings, where: str = "layer"):
        super().__init__(synapses, settings, where)
        self.conv = synapses

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
    def weight_shape(self) -> tuple[int, ...]:
        return (self.conv.filters, self.conv.map[2] // self.conv.groups, *self.conv.kernel)

    def product(self, spikes: Tensor | SparseSpikes, weight: Tensor, bias: Tensor) -> Tensor:
        conv, dense = self.conv, spikes if isinstance(spikes, Tensor) else spikes.as_tensor()
        # A channel-last map seen channel-first is torch's own memory format for images: nothing moves.
        images = dense.reshape(-1, *conv.map).permute(0, 3, 1, 2)
        current = nn.functional.conv2d(
            images, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups
        )
        return current.permute(0, 2, 3, 1).reshape(*dense.shape[:-1], conv.neurons)
