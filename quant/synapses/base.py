"""What every layer kind says of itself: its map, its checks, and the integers that spikes become."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ...numerics.errors import out_of_range
from ..spec import LayerSettings


@dataclasses.dataclass(frozen=True)
class Synapses(abc.ABC):
    """How `inputs` addresses connect to `neurons`; the definition of a kind, in numpy alone.

    A kind is a subclass whose fields are its keys in the network file, beside what follows from the map
    and the tensors. It is registered once, in quant/synapses/kinds.py, and its twins in torch and in
    hardware are found by its name, `kind`.
    """

    kind: ClassVar[str]
    # Of a configuration's `[[layers]]` entry; None for a kind that only comes from files.
    settings: ClassVar[type[LayerSettings] | None]
    file_keys: ClassVar[tuple[str, ...]] = ()  # fields that the network file holds in the layer's entry
    tensors: ClassVar[dict[str, type]] = {}  # fields that it holds as tensors, with their types
    shown: ClassVar[tuple[str, ...]]  # of a configuration's keys, those that a network shows by itself
    over_time: ClassVar[bool] = False  # whether what it sends in a step depends on steps before it
    fires: ClassVar[bool] = True  # whether it has neurons; else `currents` is what its outputs do

    inputs: int
    neurons: int

    @classmethod
    @abc.abstractmethod
    def of(
        cls, shape: tuple[int, ...], keys: Mapping[str, Any], weight: np.ndarray, where: str
    ) -> "Synapses":
        """The synapses of a file's layer behind a map of `shape`; `keys` are the kind's own, and tensors.

        Raises TwinspikeError, one line that begins with `where`, for keys or a map that do not suit.
        """

    def settings_shown(self) -> dict[str, Any]:
        """The configuration's keys of `shown`, with the values that make such a layer."""
        values = {name: getattr(self, name) for name in self.shown}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output map, whose flat order is the order of the neurons."""
        return (self.neurons,)

    @property
    def channels(self) -> int:
        """Thresholds and biases of the layer: one per neuron, or one per output channel of a map."""
        return self.neurons

    def spread(self, values: np.ndarray) -> np.ndarray:
        """[channels] -> [neurons]: what each neuron has; maps are channel-last."""
        return np.tile(values, self.neurons // self.channels)

    @classmethod
    def own_keys(cls) -> tuple[str, ...]:
        """Names of the kind's own keys in the network file."""
        return cls.file_keys

    def keys(self) -> dict[str, Any]:
        """The kind's own keys as the network file holds them."""
        values = {name: getattr(self, name) for name in self.own_keys()}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}

    def check_map(self, shape: tuple[int, ...], where: str) -> None:  # noqa: B027 (dense takes any map)
        """Raise TwinspikeError unless the layer was made for the map `shape` that its source has."""

    @abc.abstractmethod
    def check(self, weight: np.ndarray, inputs: int, where: str) -> None:
        """Raise TwinspikeError unless the weight tensor has the kind's shape behind `inputs` addresses."""

    @abc.abstractmethod
    def currents(self, weight: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        """Weighted sums, without bias: spikes [..., inputs], 0, 1 or how often -> [..., neurons].

        int64, or int32 if they have 24 bits and a sign at most.
        """

    def sums(self, weight: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        """As `currents`, for real weights and in their precision; kinds with weights have it."""
        raise NotImplementedError(f"kind {self.kind!r} adds up no real weights")

    def trains(self, spikes: np.ndarray) -> np.ndarray:
        """Of a kind without neurons what its outputs do: spikes [T, ..., inputs] -> [T, ..., outputs].

        Bool if an output spikes at most once a step, int32 multiplicities otherwise.
        """
        raise NotImplementedError(f"kind {self.kind!r} has neurons")

    @abc.abstractmethod
    def reach(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and most sum that each neuron's weights can give in a step, int64 [neurons] each.

        Accumulator widths follow from it, so it covers every set of inputs, in whatever order they come.
        """

    @abc.abstractmethod
    def fan_out(self, address: int) -> int:
        """Synaptic operations that one event at input `address` causes."""


def whole_sums(sums: np.ndarray) -> np.ndarray:
    """Integers from sums in a type of :func:`exact_floats`: int32 of those of 24 bits, else int64."""
    return sums.astype(np.int32 if sums.dtype == np.float32 else np.int64)


def exact_floats(weight: np.ndarray, spikes: np.ndarray) -> type:
    """The float type in which sums of `weight` [outputs, ...] over `spikes` are exact, in any order."""
    heaviest = np.abs(weight.astype(np.int64)).reshape(len(weight), -1).sum(axis=1).max(initial=0)
    return np.float32 if heaviest * max(1, int(spikes.max(initial=0))) < 1 << 24 else np.float64


def check_weights(weight: np.ndarray, weight_bits: int, limit: int, where: str) -> None:
    """Raise TwinspikeError unless every weight is within -limit..limit, and not 0 where it is binary."""
    bad = np.abs(weight.astype(np.int16)) > limit
    allowed = f"-{limit}..{limit} at {weight_bits} bits"
    if weight_bits == 1:
        bad, allowed = bad | (weight == 0), "-1 or +1 at 1 bit"
    if bad.any():
        first = tuple(int(axis[0]) for axis in np.nonzero(bad))
        raise out_of_range(f"{where}.weight[{','.join(map(str, first))}]", int(weight[first]), allowed)
