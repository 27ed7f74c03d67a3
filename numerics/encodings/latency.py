"""`latency`: one spike a pixel, brighter is earlier."""

import dataclasses
from typing import ClassVar

import numpy as np

from ..fields import setting
from .base import OneSpike, flat, latency


@dataclasses.dataclass(frozen=True)
class Latency(OneSpike):
    """One spike a pixel, brighter is earlier, background silent.

    A pixel with x >= threshold spikes in step (255 - x) * T // 256; the others are silent.
    Source: Thorpe, Delorme, Van Rullen, "Spike-based strategies for rapid processing",
    Neural Networks 14 (2001); also time-to-first-spike encoding.
    """

    kind: ClassVar[str] = "latency"
    threshold: int = setting(32, low=0, high=255, help="darker pixels are silent")

    def _steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        return np.where(flat(images) >= self.threshold, latency(flat(images), timesteps), timesteps)


@dataclasses.dataclass(frozen=True)
class LatencyDense(Latency):
    """`latency` without sparsity: a pixel with x < threshold spikes too, in the last step, T - 1.

    Every address spikes exactly once per frame. Source: as for `latency`; the dense form is the usual
    one of software studies, for example Mostafa, "Supervised learning based on temporal encoding in
    spiking neural networks", IEEE TNNLS 29 (2018).
    """

    kind: ClassVar[str] = "latency-dense"
    dense: ClassVar[bool] = True
    threshold: int = setting(32, low=0, high=255, help="darker pixels spike in the last step")
