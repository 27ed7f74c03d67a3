"""`threshold`: the image as one binary frame."""

import dataclasses
from typing import ClassVar

import numpy as np

from ..fields import setting
from .base import OneSpike, flat


@dataclasses.dataclass(frozen=True)
class Threshold(OneSpike):
    """All pixels with x >= threshold spike in step 0, then silence: the image as one binary frame."""

    kind: ClassVar[str] = "threshold"
    threshold: int = setting(128, low=0, high=255, help="darker pixels are silent")

    def _steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        return np.where(flat(images) >= self.threshold, 0, timesteps).astype(np.int32)


@dataclasses.dataclass(frozen=True)
class ThresholdDense(Threshold):
    """`threshold` without sparsity: darker pixels spike in the last step, T - 1."""

    kind: ClassVar[str] = "threshold-dense"
    dense: ClassVar[bool] = True
