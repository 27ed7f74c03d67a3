"""Pools in torch: no parameters, and the gradient goes to the inputs that made the output."""

from math import prod

import torch
from torch import Tensor, nn

from ..synapses.maps import as_map, pair
from ..synapses.pool import Pool, PoolSettings
from .base import SparseSpikes
from .relay import Relay


class QuantPool(Relay):
    """Spikes [..., inputs] -> [..., outputs], 0 or 1 with `or`, multiplicities with `sum`."""

    def __init__(self, geometry: Pool):
        super().__init__(geometry)
        self.pool = geometry

    @classmethod
    def of(cls, shape: tuple[int, ...], settings: PoolSettings, where: str) -> "QuantPool":
        """The pool of a configuration's entry behind a map of `shape`."""
        map, window = as_map(shape, where), pair(settings.window, 1, 255, f"{where}.window")
        geometry = Pool.over(map, window, settings.mode)
        geometry.check(torch.empty(0).numpy(), prod(map), where)
        return cls(geometry)

    def adds_up(self, several: bool) -> bool:
        return self.pool.mode == "sum"

    def forward(self, spikes: Tensor | SparseSpikes) -> Tensor:
        pool, dense = self.pool, spikes if isinstance(spikes, Tensor) else spikes.as_tensor()
        (height, width, channels), (wh, ww) = pool.shape, pool.window
        whole = dense.reshape(-1, *pool.map)
        if pool.mode == "sum":
            # A divisor of 1 makes sums of means.
            sums = nn.functional.avg_pool2d(whole.permute(0, 3, 1, 2), pool.window, divisor_override=1)
            return sums.permute(0, 2, 3, 1).reshape(*dense.shape[:-1], pool.neurons)
        windows = whole[:, : height * wh, : width * ww].reshape(-1, height, wh, width, ww, channels)
        return windows.amax((2, 4)).clamp(max=1).reshape(*dense.shape[:-1], pool.neurons)
