"""Upsampling to the nearest: every input becomes a block of outputs. It has no neurons, weights or state."""

import dataclasses
from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

import numpy as np

from ...numerics.errors import TwinspikeError, out_of_range
from ...numerics.events import MAX_ADDRESS
from ...numerics.fields import setting
from .maps import MAX_STEP, Map, OnMap, Pair, as_map, pair
from .relayed import RelayedSettings


@dataclasses.dataclass(frozen=True)
class UpsampleSettings(RelayedSettings):
    """One `[[layers]]` entry of kind `upsample`."""

    kind: ClassVar[str] = "upsample"

    window: tuple[int, ...] = setting((2, 2), low=1, high=255, help="rows and columns that an input becomes")


@dataclasses.dataclass(frozen=True)
class Upsample(OnMap):
    """Output (y, x, c) spikes as often as input (y // wh, x // ww, c) does. Make one with :meth:`over`.

    Nearest-neighbour interpolation to a whole multiple of the map, as in front of the convolutions of
    StereoSpike's decoder (arXiv 2109.13751; network/SNN_models.py of its code).
    """

    kind: ClassVar[str] = "upsample"
    settings: ClassVar[type] = UpsampleSettings
    shown: ClassVar[tuple[str, ...]] = ("window",)
    file_keys: ClassVar[tuple[str, ...]] = ("window",)
    fires: ClassVar[bool] = False

    window: Pair

    @classmethod
    def over(cls, map: Map, window: Pair) -> "Upsample":
        """What makes blocks of `window` of a map (H, W, C); :meth:`check` says whether it fits."""
        return cls(prod(map), prod(map) * prod(window), map, window)

    @classmethod
    def of(
        cls, shape: tuple[int, ...], keys: Mapping[str, Any], weight: np.ndarray, where: str
    ) -> "Upsample":
        if "window" not in keys:
            raise TwinspikeError(f"{where}.window is missing")
        return cls.over(as_map(shape, where), pair(keys["window"], 1, MAX_STEP, f"{where}.window"))

    @property
    def shape(self) -> Map:
        return (self.map[0] * self.window[0], self.map[1] * self.window[1], self.map[2])

    def check(self, weight: np.ndarray, inputs: int, where: str) -> None:
        self.check_addresses(inputs, where)
        if self.neurons > MAX_ADDRESS + 1:
            allowed = f"at most {MAX_ADDRESS + 1} outputs, {list(self.map)} having {inputs} addresses"
            raise out_of_range(f"{where}.window", list(self.window), allowed)

    def blocks(self, spikes: np.ndarray) -> np.ndarray:
        """Spikes [..., inputs] of any type -> those of the outputs [..., outputs], of that type."""
        maps = spikes.reshape(*spikes.shape[:-1], *self.map)
        rows = np.repeat(maps, self.window[0], axis=-3)
        return np.repeat(rows, self.window[1], axis=-2).reshape(*spikes.shape[:-1], self.neurons)

    def currents(self, weight: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        """Not a current but what the outputs do: how often each spikes in this step."""
        return self.blocks(spikes.astype(np.int64))

    def trains(self, spikes: np.ndarray) -> np.ndarray:
        return self.blocks(spikes if spikes.dtype == bool else spikes.astype(np.int32))

    def reach(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(self.neurons, np.int64), np.ones(self.neurons, np.int64)

    def fan_out(self, address: int) -> int:
        return 0
