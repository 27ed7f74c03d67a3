"""A convolution whose taps lie anywhere: each input channel has its own offsets, learnt and rounded."""

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
class TapsSettings(WindowsSettings):
    """One `[[layers]]` entry of kind `taps`."""

    kind: ClassVar[str] = "taps"

    taps: int = setting(5, low=1, high=255, help="weights K of each input channel")
    reach: tuple[int, ...] = setting((7, 7), low=1, high=255, help="rows and columns that taps lie within")
    learn: bool = setting(True, help="where the taps lie is learnt; else they stay where chance put them")


@dataclasses.dataclass(frozen=True, eq=False)
class Taps(Windows):
    """Tap k of channel c at output (y, x) sees input (y * s + offset[c, k, 0], x * s + offset[c, k, 1]).

    Weight [filters, C / groups, K], offset int8 [C, K, 2]; the output map is ceil(H / s) x ceil(W / s).
    Make one with :meth:`over`.
    """

    kind: ClassVar[str] = "taps"
    settings: ClassVar[type[LayerSettings] | None] = TapsSettings
    shown: ClassVar[tuple[str, ...]] = ("channels", "taps", "stride", "groups")
    file_keys: ClassVar[tuple[str, ...]] = ("stride", "groups")
    tensors: ClassVar[dict[str, type]] = {"offset": np.int8}

    offset: np.ndarray

    @classmethod
    def over(
        cls, map: Map, filters: int, offset: np.ndarray, stride: Pair = (1, 1), groups: int = 1
    ) -> "Taps":
        """The taps over a map (H, W, C); :meth:`check` says whether they fit."""
        return cls(prod(map), prod(_places(map, stride)) * filters, map, filters, stride, groups, offset)

    @classmethod
    def of(cls, shape: tuple[int, ...], keys: Mapping[str, Any], weight: np.ndarray, where: str) -> "Taps":
        for key in cls.file_keys:
            if key not in keys:
                raise TwinspikeError(f"{where}.{key} is missing")
        if weight.ndim != 3 or min(weight.shape) < 1:
            allowed = "[channels, channels in / groups, taps], each >= 1"
            raise out_of_range(f"{where}.weight shape", weight.shape, allowed)
        stride = pair(keys["stride"], 1, MAX_STEP, f"{where}.stride")
        groups = check_groups(keys["groups"], where)
        return cls.over(as_map(shape, where), weight.shape[0], keys["offset"], stride, groups)

    @property
    def places(self) -> Pair:
        return _places(self.map, self.stride)

    @property
    def taps(self) -> int:
        return self.offset.shape[1]

    def looks(self, tap: int) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = self.places
        y = (np.arange(rows) * self.stride[0])[:, None, None] + self.offset[:, tap, 0].astype(np.int64)
        x = (np.arange(columns) * self.stride[1])[None, :, None] + self.offset[:, tap, 1].astype(np.int64)
        return y, x

    def check(self, weight: np.ndarray, inputs: int, where: str) -> None:
        channels, taps = self.map[2], weight.shape[2] if weight.ndim == 3 else 1
        self.check_windows(inputs, where)
        self.check_weight(weight, (self.filters, channels // self.groups, taps), where)
        if self.offset.shape != (channels, taps, 2):
            raise out_of_range(f"{where}.offset shape", self.offset.shape, f"[{channels}, {taps}, 2]")


def _places(map: Map, stride: Pair) -> Pair:
    return -(-map[0] // stride[0]), -(-map[1] // stride[1])
