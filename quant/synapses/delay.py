"""Delays: every input reaches K outputs, each so many steps later. It has no neurons and no weights."""

import dataclasses
from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar

import numpy as np

from ...numerics.errors import TwinspikeError, out_of_range
from ...numerics.events import MAX_ADDRESS
from ...numerics.fields import setting
from .base import Synapses
from .maps import as_map
from .relayed import RelayedSettings

# A delay is a byte in the file.
MAX_DELAY = 255


@dataclasses.dataclass(frozen=True)
class DelaySettings(RelayedSettings):
    """One `[[layers]]` entry of kind `delay`."""

    kind: ClassVar[str] = "delay"

    taps: int = setting(4, low=1, high=255, help="outputs K of each input, each with a delay of its own")
    reach: int = setting(15, low=0, high=MAX_DELAY, help="steps, the largest delay")
    learn: bool = setting(
        True, help="the delays are learnt; else tap k of every input has k * dilation steps"
    )
    dilation: int = setting(1, low=0, high=MAX_DELAY, help="steps between taps that are not learnt")


@dataclasses.dataclass(frozen=True, eq=False)
class Delay(Synapses):
    """Input i that spikes in step t gives output i * K + k a spike in step t + delay[i, k], before T.

    `delay` uint8 [inputs, K]. An input that spikes several times in a step counts once. Behind a map
    (H, W, C) the outputs are a map (H, W, C * K), behind a row of n addresses one of n * K. Make one with
    :meth:`over`.
    """

    kind: ClassVar[str] = "delay"
    settings: ClassVar[type] = DelaySettings
    shown: ClassVar[tuple[str, ...]] = ("taps",)
    tensors: ClassVar[dict[str, type]] = {"delay": np.uint8}
    fires: ClassVar[bool] = False
    over_time: ClassVar[bool] = True

    source: tuple[int, ...]
    delay: np.ndarray

    @classmethod
    def over(cls, source: tuple[int, ...], delay: np.ndarray) -> "Delay":
        """The delays behind a source of shape [n], [H, W] or [H, W, C]; :meth:`check` says if they fit."""
        taps = delay.shape[1] if delay.ndim == 2 else 0
        shape = tuple(int(n) for n in source)
        return cls(prod(shape), prod(shape) * taps, shape, delay)

    @classmethod
    def of(cls, shape: tuple[int, ...], keys: Mapping[str, Any], weight: np.ndarray, where: str) -> "Delay":
        return cls.over(shape, keys["delay"])

    @property
    def taps(self) -> int:
        """K: outputs of each input."""
        return self.delay.shape[1]

    @property
    def longest(self) -> int:
        """The largest delay."""
        return int(self.delay.max())

    @property
    def shape(self) -> tuple[int, ...]:
        if len(self.source) not in (2, 3):
            return (self.neurons,)
        height, width, channels = as_map(self.source, "layer")
        return (height, width, channels * self.taps)

    def check(self, weight: np.ndarray, inputs: int, where: str) -> None:
        if self.delay.ndim != 2 or self.delay.shape[0] != inputs or self.delay.shape[1] < 1:
            raise out_of_range(f"{where}.delay shape", self.delay.shape, f"[{inputs}, taps >= 1]")
        if self.inputs != inputs:
            raise out_of_range(f"{where} input map", list(self.source), f"a map of {inputs} addresses")
        if self.neurons > MAX_ADDRESS + 1:
            allowed = f"[{inputs}, taps], at most {MAX_ADDRESS + 1} outputs"
            raise out_of_range(f"{where}.delay shape", self.delay.shape, allowed)

    def check_map(self, shape: tuple[int, ...], where: str) -> None:
        if tuple(shape) != self.source:
            raise out_of_range(f"{where} input map", list(self.source), f"that of its source, {list(shape)}")

    def currents(self, weight: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        raise TwinspikeError("what a delay sends in a step is no function of that step: ask `trains`")

    def trains(self, spikes: np.ndarray) -> np.ndarray:
        """Spikes [T, ..., inputs], 0, 1 or how often -> those of the outputs, bool [T, ..., outputs]."""
        found = np.zeros((*spikes.shape[:-1], self.inputs, self.taps), dtype=bool)
        came = np.asarray(spikes, dtype=bool)
        for steps in np.unique(self.delay[self.delay < len(spikes)]).tolist():
            at, tap = np.nonzero(self.delay == steps)
            found[steps:, ..., at, tap] = came[: len(spikes) - steps, ..., at]
        return found.reshape(*spikes.shape[:-1], self.neurons)

    def reach(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(self.neurons, np.int64), np.ones(self.neurons, np.int64)

    def fan_out(self, address: int) -> int:
        return 0
