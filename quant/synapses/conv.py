"""Convolution as torch's Conv2d has it, on channel-last maps; what lies outside the map is silent."""

import dataclasses
from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

import numpy as np

from ...numerics.errors import TwinspikeError, out_of_range
from ...numerics.fields import setting
from ..spec import LayerSettings
from .maps import MAX_STEP, Map, Pair, Windows, WindowsSettings, as_map, check_groups, pair


@dataclasses.dataclass(frozen=True)
class ConvSettings(WindowsSettings):
    """One `[[layers]]` entry of kind `conv`."""

    kind: ClassVar[str] = "conv"

    kernel: tuple[int, ...] = setting((3, 3), low=1, high=255, help="rows and columns of the window")
    padding: tuple[int, ...] = setting((0, 0), low=0, high=255, help="silent border, y and x")
    dilation: tuple[int, ...] = setting((1, 1), low=1, high=255, help="distance of the taps, y and x")


@dataclasses.dataclass(frozen=True)
class Conv(Windows):
    """Output (y, x) sees input (y * s - p + ky * d, x * s - p + kx * d); tap ky * kw + kx.

    Weight [filters, C / groups, kh, kw]. Make one with :meth:`over`.
    """

    kind: ClassVar[str] = "conv"
    settings: ClassVar[type[LayerSettings]] = ConvSettings
    shown: ClassVar[tuple[str, ...]] = ("channels", "kernel", "stride", "padding", "dilation", "groups")
    file_keys: ClassVar[tuple[str, ...]] = ("stride", "padding", "dilation", "groups")

    kernel: Pair
    padding: Pair
    dilation: Pair

    @classmethod
    def over(
        cls,
        map: Map,
        filters: int,
        kernel: Pair,
        stride: Pair = (1, 1),
        padding: Pair = (0, 0),
        dilation: Pair = (1, 1),
        groups: int = 1,
    ) -> "Conv":
        """The convolution over a map (H, W, C); :meth:`check` says whether it fits."""
        places = _places(map, kernel, stride, padding, dilation)
        neurons = max(0, places[0]) * max(0, places[1]) * filters
        return cls(prod(map), neurons, map, filters, stride, groups, kernel, padding, dilation)

    @classmethod
    def of(cls, shape: tuple[int, ...], keys: Mapping[str, Any], weight: np.ndarray, where: str) -> "Conv":
        for key in cls.file_keys:
            if key not in keys:
                raise TwinspikeError(f"{where}.{key} is missing")
        if weight.ndim != 4 or min(weight.shape) < 1:
            raise out_of_range(
                f"{where}.weight shape", weight.shape, "[channels, channels in / groups, kh, kw], each >= 1"
            )
        stride, padding, dilation = (
            pair(keys[key], low, MAX_STEP, f"{where}.{key}")
            for key, low in (("stride", 1), ("padding", 0), ("dilation", 1))
        )
        groups = check_groups(keys["groups"], where)
        kernel = (weight.shape[2], weight.shape[3])
        map = as_map(shape, where)
        return cls.over(map, weight.shape[0], kernel, stride, padding, dilation, groups)

    @property
    def places(self) -> Pair:
        return _places(self.map, self.kernel, self.stride, self.padding, self.dilation)

    @property
    def taps(self) -> int:
        return self.kernel[0] * self.kernel[1]

    def looks(self, tap: int) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = self.places
        offset = divmod(tap, self.kernel[1])
        y, x = (
            np.arange(count) * self.stride[axis] - self.padding[axis] + offset[axis] * self.dilation[axis]
            for axis, count in enumerate((rows, columns))
        )
        return y[:, None, None], x[None, :, None]

    def check(self, weight: np.ndarray, inputs: int, where: str) -> None:
        self.check_windows(inputs, where)
        self.check_weight(weight, (self.filters, self.map[2] // self.groups, *self.kernel), where)


def _places(map: Map, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """Rows and columns of the output map; less than 1 where the kernel does not fit."""
    rows, columns = (
        (map[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)
    )
    return rows, columns
