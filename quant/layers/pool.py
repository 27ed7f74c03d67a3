"""Pools in torch: no parameters, and the gradient goes to the inputs that made the output."""

from math import prod

import torch
from torch import Tensor

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

    def forward(self, spikes: Tensor | SparseSpikes) -> Tensor:
        pool, dense = self.pool, spikes if isinstance(spikes, Tensor) else spikes.as_tensor()
        (height, width, channels), (wh, ww) = pool.shape, pool.window
        whole = dense.reshape(-1, *pool.map)[:, : height * wh, : width * ww]
        windows = whole.reshape(-1, height, wh, width, ww, channels)
        found = windows.amax((2, 4)).clamp(max=1) if pool.mode == "or" else windows.sum((2, 4))
        return found.reshape(*dense.shape[:-1], pool.neurons)
