"""Dense synapses: every input to every neuron."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ...numerics.errors import out_of_range
from ...numerics.events import MAX_ADDRESS
from ..spec import LayerSettings
from .base import Synapses, exact_floats, whole_sums


@dataclasses.dataclass(frozen=True)
class Dense(Synapses):
    """Weight [neurons, inputs]; whatever the map before it, its addresses count one by one."""

    kind: ClassVar[str] = "dense"
    settings: ClassVar[type[LayerSettings]] = LayerSettings
    shown: ClassVar[tuple[str, ...]] = ("neurons",)

    @classmethod
    def of(cls, shape: tuple[int, ...], keys: Mapping[str, Any], weight: np.ndarray, where: str) -> "Dense":
        return cls(int(np.prod(shape)), weight.shape[0] if weight.ndim else 0)

    def check(self, weight: np.ndarray, inputs: int, where: str) -> None:
        if weight.ndim != 2 or weight.shape[0] < 1 or weight.shape[1] != inputs:
            raise out_of_range(f"{where}.weight shape", weight.shape, f"[neurons >= 1, {inputs}]")
        if weight.shape != (self.neurons, self.inputs):
            raise out_of_range(f"{where}.weight shape", weight.shape, f"[{self.neurons}, {self.inputs}]")
        if max(weight.shape) > MAX_ADDRESS + 1:
            allowed = f"at most {MAX_ADDRESS + 1} addresses a side"
            raise out_of_range(f"{where}.weight shape", weight.shape, allowed)

    def currents(self, weight: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        return whole_sums(self.sums(weight.astype(exact_floats(weight, spikes)), spikes))

    def sums(self, weight: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        return spikes.astype(weight.dtype) @ weight.T

    def reach(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wide = weight.astype(np.int64)
        return np.minimum(wide, 0).sum(axis=1), np.maximum(wide, 0).sum(axis=1)

    def fan_out(self, address: int) -> int:
        return self.neurons
