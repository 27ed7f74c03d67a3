"""Taps whose places learn: a convolution of few weights that finds its own spacings.

The place of each tap is a real-valued pair of rows and columns. What counts in the forward pass is the place
that it rounds to, in training as well, so that what is exported is what was trained. Backward, a tap lies
between the four whole places around it, in shares that fall linearly with the distance (Khalfaoui-Hassani
et al., "Dilated Convolution with Learnable Spacings", arXiv 2112.03740): the gradient of its place is what
their inputs differ by. The parameters are places in units of half the reach, so that one learning rate
suits weights and places of every reach.
"""

import dataclasses
from math import prod

import torch
from torch import Tensor, nn

from ..synapses.maps import as_map, pair
from ..synapses.taps import Taps, TapsSettings
from .base import SparseSpikes, Standing
from .norm import QuantWindows


class QuantTaps(QuantWindows):
    """K taps of each input channel, within `reach` rows and columns; places are [C, K, 2]."""

    def __init__(self, synapses: Taps, settings: TapsSettings, reach: tuple[int, int], where: str = "layer"):
        super().__init__(synapses, settings, where)
        self.map_taps = synapses
        self.low = torch.tensor([-(size // 2) for size in reach])
        self.high = torch.tensor([size - 1 - size // 2 for size in reach])
        self.half = tuple(size / 2 for size in reach)
        self.place = nn.Parameter(torch.zeros(synapses.map[2], synapses.taps, 2), settings.learn)
        self._scatter(torch.Generator().manual_seed(0))

    @classmethod
    def of(cls, shape: tuple[int, ...], settings: TapsSettings, where: str) -> "QuantTaps":
        """The layer of a configuration's entry behind a map of `shape`."""
        map = as_map(shape, where)
        stride, reach = (
            pair(getattr(settings, name), 1, 255, f"{where}.{name}") for name in ("stride", "reach")
        )
        nowhere = torch.zeros(map[2], settings.taps, 2, dtype=torch.int8).numpy()
        synapses = Taps.over(map, settings.channels, nowhere, stride, settings.groups)
        synapses.check_windows(prod(map), where)
        return cls(synapses, settings, reach, where)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        taps = self.map_taps
        return (taps.filters, taps.map[2] // taps.groups, taps.taps)

    @property
    def others(self) -> list[nn.Parameter]:
        return [*super().others, self.place] if self.place.requires_grad else super().others

    def reset_parameters(self, std: float, bias: float, generator: torch.Generator) -> None:
        super().reset_parameters(std, bias, generator)
        self._scatter(generator)

    def _scatter(self, generator: torch.Generator) -> None:
        """Each tap anywhere within the reach, all whole places being as likely."""
        with torch.no_grad():
            for axis in (0, 1):
                low, high = (float(x[axis]) for x in (self.low, self.high))
                drawn = torch.rand(self.place.shape[:2], generator=generator)
                self.place[..., axis] = (low - 0.5 + drawn * (high - low + 1)) / self.half[axis]

    def places(self) -> Tensor:
        """Real-valued rows and columns [C, K, 2] within the reach; no gradient leads out of it."""
        place = self.place * self.place.new_tensor(self.half)
        return _Within.apply(place, self.low.to(place), self.high.to(place))

    @torch.no_grad()
    def placed(self) -> Taps:
        offset = self.places().round().to(torch.int8).cpu().numpy()
        return dataclasses.replace(self.map_taps, offset=offset)

    def kernel(self, weight: Tensor) -> Tensor:
        """Weights [F, C / groups, K] at their places: integer-valued [F, C / groups, rows, columns]."""
        rows, columns = (self._shares(axis) for axis in (0, 1))
        # Where each tap lies, [C, K, rows, columns]: at one place forward, between four of them backward.
        real, whole = (y[..., :, None] * x[..., None, :] for y, x in zip(rows, columns, strict=True))
        lies, groups = Standing.apply(real, whole), self.map_taps.groups
        of_group = weight.view(groups, -1, *weight.shape[1:])
        at = lies.view(groups, -1, *lies.shape[1:])
        return torch.einsum("gfck,gckyx->gfcyx", of_group, at).flatten(0, 1)

    def _shares(self, axis: int) -> tuple[Tensor, Tensor]:
        """Shares of each place of an axis, [C, K, places]: 1 - distance, and 1 at the rounded place alone."""
        place = self.places()[..., axis, None]
        reach = int(self.low[axis].abs())
        whole = torch.arange(-reach, reach + 1, device=place.device).to(place)
        return (1 - (place - whole).abs()).clamp(min=0), (place.round() == whole).to(place)

    def product(self, spikes: Tensor | SparseSpikes, weight: Tensor, bias: Tensor) -> Tensor:
        taps, dense = self.map_taps, spikes if isinstance(spikes, Tensor) else spikes.as_tensor()
        images = dense.reshape(-1, *taps.map).permute(0, 3, 1, 2)
        around = tuple(int(low.abs()) for low in self.low)
        current = nn.functional.conv2d(images, self.kernel(weight), bias, taps.stride, around, 1, taps.groups)
        return current.permute(0, 2, 3, 1).reshape(*dense.shape[:-1], taps.neurons)


class _Within(torch.autograd.Function):
    """Values held within bounds; beyond one, only a gradient that leads back passes."""

    @staticmethod
    def forward(ctx, value: Tensor, low: Tensor, high: Tensor) -> Tensor:
        ctx.save_for_backward(value < low, value > high)
        return torch.minimum(torch.maximum(value, low), high)

    @staticmethod
    def backward(ctx, grad: Tensor):
        below, above = ctx.saved_tensors
        # A step goes against the gradient.
        return grad * ~((below & (grad > 0)) | (above & (grad < 0))), None, None
