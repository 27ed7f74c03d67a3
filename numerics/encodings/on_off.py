"""`on-off`: contrasts with the surround, brighter and darker, as in a retina."""

import dataclasses
from math import prod
from typing import ClassVar

import numpy as np

from ..fields import setting
from .base import OneSpike, latency


@dataclasses.dataclass(frozen=True)
class OnOff(OneSpike):
    """Two addresses a pixel, as in a retina: ON for brighter than the surround, OFF for darker.

    The surround of a pixel is the other pixels, n of them, of the square window of `radius` around
    it (a line segment for one-dimensional images) that lie inside the image; further leading axes
    are channels. With d = sum over the surround of (x - x_j), the contrast is c = |d| // max(n, 1).
    If c >= threshold, the ON address (d > 0) or the OFF address (d < 0) spikes in step
    (255 - c) * T // 256. Addresses 0..N-1 are ON, N..2N-1 are OFF, N the number of pixels.
    Source: Van Rullen, Thorpe, "Rate encoding versus temporal order encoding: what the retinal ganglion
    cells tell the visual cortex", Neural Computation 13 (2001), with a box for their Gaussian.
    """

    kind: ClassVar[str] = "on-off"
    threshold: int = setting(32, low=1, high=255, help="weaker contrasts are silent")
    radius: int = setting(2, low=1, high=15, help="the surround's window is 2 * radius + 1 pixels wide")

    def addresses(self, shape: tuple[int, ...]) -> int:
        return 2 * prod(shape)

    def _steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        x = images.astype(np.int32)
        inside = _box_sum(np.ones_like(x[:1]), self.radius)
        difference = x * inside - _box_sum(x, self.radius)
        contrast = np.abs(difference) // np.maximum(inside - 1, 1)
        when = np.where(contrast >= self.threshold, latency(contrast, timesteps), timesteps)
        on = np.where(difference > 0, when, timesteps)
        off = np.where(difference < 0, when, timesteps)
        return np.concatenate([on.reshape(len(x), -1), off.reshape(len(x), -1)], axis=1)


@dataclasses.dataclass(frozen=True)
class OnOffDense(OnOff):
    """`on-off` without sparsity: addresses without contrast spike in the last step, T - 1."""

    kind: ClassVar[str] = "on-off-dense"
    dense: ClassVar[bool] = True


def _box_sum(x: np.ndarray, radius: int) -> np.ndarray:
    """Sum over the window of `radius` along the last two axes (the last one of [B, n]), zero outside."""
    for axis in range(max(1, x.ndim - 2), x.ndim):
        width = [(radius, radius) if a == axis else (0, 0) for a in range(x.ndim)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, width), 2 * radius + 1, axis)
        x = windows.sum(axis=-1, dtype=np.int32)
    return x
