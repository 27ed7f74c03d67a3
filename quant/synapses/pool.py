"""Pooling: events go on with the address of their window. It has no neurons, no weights and no state."""

import dataclasses
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, ClassVar

import numpy as np

from ...numerics.errors import TwinspikeError, out_of_range
from ...numerics.events import MAX_ADDRESS
from ...numerics.fields import setting
from .base import Synapses
from .maps import MAX_STEP, Map, OnMap, Pair, as_map, pair
from .relayed import RelayedSettings

MODES = ("or", "sum")


@dataclasses.dataclass(frozen=True)
class PoolSettings(RelayedSettings):
    """One `[[layers]]` entry of kind `pool`."""

    kind: ClassVar[str] = "pool"

    window: tuple[int, ...] = setting((2, 2), low=1, high=255, help="rows and columns, also the step")
    mode: str = setting("or", choices=MODES, help="a spike if any input has one, or as many as they have")


def pooled(pools: Sequence[Synapses], spikes: np.ndarray) -> np.ndarray:
    """Spikes [T, B, inputs] behind pools or delays in a row: as they are without any, else multiplicities."""
    for pool in pools:
        spikes = pool.trains(spikes) if pool.over_time else pool.currents(np.zeros(0, np.int8), spikes)
    return spikes


@dataclasses.dataclass(frozen=True)
class Pool(OnMap):
    """Each output is the window of inputs (y * wh + 0..wh - 1, x * ww + 0..ww - 1) of its channel.

    `or`: it spikes in a step if any of them does. `sum`: it spikes as often as all of them together. Inputs
    behind the last whole window go nowhere. Make one with :meth:`over`.
    """

    kind: ClassVar[str] = "pool"
    settings: ClassVar[type] = PoolSettings
    shown: ClassVar[tuple[str, ...]] = ("window", "mode")
    file_keys: ClassVar[tuple[str, ...]] = ("window", "mode")
    fires: ClassVar[bool] = False

    window: Pair
    mode: str

    @classmethod
    def over(cls, map: Map, window: Pair, mode: str = "or") -> "Pool":
        """The pool over a map (H, W, C); :meth:`check` says whether it fits."""
        return cls(prod(map), map[0] // window[0] * (map[1] // window[1]) * map[2], map, window, mode)

    @classmethod
    def of(cls, shape: tuple[int, ...], keys: Mapping[str, Any], weight: np.ndarray, where: str) -> "Pool":
        for key in cls.file_keys:
            if key not in keys:
                raise TwinspikeError(f"{where}.{key} is missing")
        window = pair(keys["window"], 1, MAX_STEP, f"{where}.window")
        return cls.over(as_map(shape, where), window, keys["mode"])

    @property
    def shape(self) -> Map:
        return (self.map[0] // self.window[0], self.map[1] // self.window[1], self.map[2])

    def output_of(self, address: int) -> int | None:
        """The output address of input `address`; None behind the last whole window."""
        height, width, channels = self.shape
        place, channel = divmod(address, channels)
        y, x = place // self.map[1] // self.window[0], place % self.map[1] // self.window[1]
        return (y * width + x) * channels + channel if y < height and x < width else None

    def check(self, weight: np.ndarray, inputs: int, where: str) -> None:
        if self.mode not in MODES:
            raise out_of_range(f"{where}.mode", self.mode, "one of " + ", ".join(MODES))
        self.check_addresses(inputs, where)
        if min(self.shape) < 1:
            allowed = f"at most the map's rows and columns, {list(self.map[:2])}"
            raise out_of_range(f"{where}.window", list(self.window), allowed)
        if inputs > MAX_ADDRESS + 1:
            raise out_of_range(f"{where} input map", list(self.map), f"at most {MAX_ADDRESS + 1} addresses")

    def currents(self, weight: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        """Not a current but what the outputs do: how often each spikes in this step."""
        (height, width, channels), (wh, ww) = self.shape, self.window
        whole = spikes.reshape(-1, *self.map)[:, : height * wh, : width * ww]
        windows = whole.reshape(-1, height, wh, width, ww, channels).astype(np.int64)
        found = windows.max(axis=(2, 4)) > 0 if self.mode == "or" else windows.sum(axis=(2, 4))
        return found.astype(np.int64).reshape(*spikes.shape[:-1], self.neurons)

    def trains(self, spikes: np.ndarray) -> np.ndarray:
        steps = [self.currents(np.zeros(0), step) for step in spikes]
        return np.asarray(np.stack(steps), dtype=bool if self.mode == "or" else np.int32)

    def reach(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        most = 1 if self.mode == "or" else self.window[0] * self.window[1]
        return np.zeros(self.neurons, np.int64), np.full(self.neurons, most, np.int64)

    def fan_out(self, address: int) -> int:
        return 0
