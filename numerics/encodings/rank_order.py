"""`rank-order`: only the order of the pixels counts."""

import dataclasses
from typing import ClassVar

import numpy as np

from ..fields import setting
from .base import OneSpike, flat


@dataclasses.dataclass(frozen=True)
class RankOrder(OneSpike):
    """Only the order of the pixels counts, not their values.

    The F pixels with x >= threshold are ranked 0..F-1 from the brightest, equal ones by address;
    rank r spikes in step r * T // F. The others are silent.
    Source: Thorpe, Gautrais, "Rank order encoding", Computational Neuroscience: Trends in Research (1998).
    """

    kind: ClassVar[str] = "rank-order"
    threshold: int = setting(32, low=0, high=255, help="darker pixels are silent")

    def _steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        x = flat(images)
        order = np.argsort(255 - x, axis=1, kind="stable")
        rank = np.empty_like(x)
        np.put_along_axis(rank, order, np.arange(x.shape[1], dtype=np.int32)[None], axis=1)
        foreground = x >= self.threshold
        count = foreground.sum(axis=1, keepdims=True, dtype=np.int32)
        return np.where(foreground, rank * timesteps // np.maximum(count, 1), timesteps)


@dataclasses.dataclass(frozen=True)
class RankOrderDense(RankOrder):
    """`rank-order` without sparsity: pixels without a rank spike in the last step, T - 1."""

    kind: ClassVar[str] = "rank-order-dense"
    dense: ClassVar[bool] = True
