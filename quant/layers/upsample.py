"""Upsampling to the nearest in torch: no parameters; an input's gradient is the sum over its block."""

from math import prod

import torch
from torch import Tensor

from ..synapses.maps import as_map, pair
from ..synapses.upsample import Upsample, UpsampleSettings
from .base import SparseSpikes
from .relay import Relay


class QuantUpsample(Relay):
    """Spikes [..., inputs] -> [..., outputs], as often as the inputs'."""

    def __init__(self, geometry: Upsample):
        super().__init__(geometry)
        self.upsample = geometry

    @classmethod
    def of(cls, shape: tuple[int, ...], settings: UpsampleSettings, where: str) -> "QuantUpsample":
        """What a configuration's entry makes of a map of `shape`."""
        map, window = as_map(shape, where), pair(settings.window, 1, 255, f"{where}.window")
        geometry = Upsample.over(map, window)
        geometry.check(torch.empty(0).numpy(), prod(map), where)
        return cls(geometry)

    def adds_up(self, several: bool) -> bool:
        return several

    def forward(self, spikes: Tensor | SparseSpikes) -> Tensor:
        made, dense = self.upsample, spikes if isinstance(spikes, Tensor) else spikes.as_tensor()
        (height, width, channels), (wh, ww) = made.map, made.window
        maps = dense.reshape(-1, height, 1, width, 1, channels)
        blocks = maps.expand(-1, height, wh, width, ww, channels)
        return blocks.reshape(*dense.shape[:-1], made.neurons)
