"""What the kinds that work on feature maps share: windows of a channel-last map, one weight per tap.

The address of channel c at row y, column x of a map (H, W, C) is (y * W + x) * C + c.
"""

import dataclasses
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np

from ...numerics.errors import TwinspikeError, out_of_range
from ...numerics.events import MAX_ADDRESS
from ...numerics.fields import setting
from ..spec import RARE, LayerSettings
from .base import Synapses, exact_floats, whole_sums
from .sparse import event_sums, few

Pair = tuple[int, int]
Map = tuple[int, int, int]
# Beyond any map: a side has at most 32,768 places.
MAX_STEP = 32767
NORMS = ("weight", "batch", "none")
# Entries of all outputs' windows that are laid out at once: few enough to stay in a processor's cache.
WINDOW_ENTRIES = 1 << 21


def as_map(shape: tuple[int, ...], where: str) -> Map:
    """A shape as (H, W, C): [H, W, C] itself, [H, W] with one channel, [N] as one row."""
    sizes = tuple(int(n) for n in shape)
    if len(sizes) == 3:
        return sizes
    if len(sizes) == 2:
        return (*sizes, 1)
    if len(sizes) == 1:
        return (1, *sizes, 1)
    raise TwinspikeError(f"{where} sees a map of shape {list(sizes)}: expected [H, W, C], [H, W] or [N]")


def pair(value: Any, low: int, high: int, where: str) -> Pair:
    """A pair (y, x) of integers, as a file or a configuration gives it; raises TwinspikeError."""
    sound = isinstance(value, (list, tuple)) and len(value) == 2
    if not sound or not all(type(n) is int and low <= n <= high for n in value):
        raise out_of_range(where, value, f"two integers [y, x] in {low}..{high}")
    return (value[0], value[1])


def check_groups(groups: Any, where: str) -> int:
    """The key `groups` of a file; raises TwinspikeError."""
    if type(groups) is not int or groups < 1:
        raise out_of_range(f"{where}.groups", groups, "an integer >= 1")
    return groups


@dataclasses.dataclass(frozen=True)
class WindowsSettings(LayerSettings):
    """What `[[layers]]` entries of the kinds below have in common; `neurons` follows from the map."""

    kind: ClassVar[str] = "windows"
    # `norm` is as old as these kinds.
    rare: ClassVar[tuple[str, ...]] = tuple(name for name in RARE if name != "norm")

    neurons: int = setting(0, low=0, high=0, help="follows from the map: leave it out")
    channels: int = setting(16, low=1, high=32768, help="output channels")
    stride: tuple[int, ...] = setting((1, 1), low=1, high=255, help="step of the window, y and x")
    groups: int = setting(1, low=1, high=32768, help="channels are split into so many separate parts")
    norm: str = setting(
        "weight",
        choices=NORMS,
        help="in training: weights of mean 0 and a learnt deviation a channel, or the currents of a batch",
    )

    @property
    def width(self) -> int:
        return self.channels

    def table(self) -> dict[str, Any]:
        table = super().table()
        del table["neurons"]
        return table


@dataclasses.dataclass(frozen=True)
class OnMap(Synapses):
    """What has a map (H, W, C) for its input."""

    map: Map

    def check_map(self, shape: tuple[int, ...], where: str) -> None:
        if as_map(shape, where) != self.map:
            raise out_of_range(f"{where} input map", list(self.map), f"that of its source, {list(shape)}")

    def check_addresses(self, inputs: int, where: str) -> None:
        """Raise TwinspikeError unless the map is one of `inputs` addresses."""
        if prod(self.map) != inputs or self.inputs != inputs:
            raise out_of_range(f"{where} input map", list(self.map), f"a map of {inputs} addresses")


@dataclasses.dataclass(frozen=True)
class Windows(OnMap):
    """Neurons on a map, each with K taps that look at places of the input map; weights shared by all places.

    A kind says where the taps look, :meth:`looks`. The weight is [filters, C / groups, K], K perhaps spread
    over two axes; output channels of group g see input channels of group g.
    """

    filters: int
    stride: Pair
    groups: int

    @property
    def shape(self) -> Map:
        return (*self.places, self.filters)

    @property
    def places(self) -> Pair:
        """Rows and columns of the output map."""
        raise NotImplementedError

    @property
    def taps(self) -> int:
        """Taps K of each input channel."""
        raise NotImplementedError

    def looks(self, tap: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the input that tap `tap` looks at, perhaps outside the map.

        Each broadcasts to [rows out, columns out, C].
        """
        raise NotImplementedError

    @property
    def channels(self) -> int:
        return self.filters

    @cached_property
    def seen(self) -> np.ndarray:
        """[K, places, C]: the input address that a tap looks at, -1 where it is outside: silent."""
        height, width, channels = self.map
        table = np.empty((self.taps, *self.places, channels), dtype=np.int64)
        for tap in range(self.taps):
            y, x = self.looks(tap)
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            table[tap] = np.where(inside, (y * width + x) * channels + np.arange(channels), -1)
        return table.reshape(self.taps, -1, channels)

    @cached_property
    def _windows(self) -> np.ndarray:
        """[places, groups, K * C / groups]: what each output sees, the silent address for what is outside."""
        by_group = self.seen.reshape(self.taps, -1, self.groups, self.map[2] // self.groups)
        table = by_group.transpose(1, 2, 0, 3).reshape(by_group.shape[1], self.groups, -1)
        return np.where(table < 0, self.inputs, table)

    @cached_property
    def _pairs(self) -> list[list[tuple[int, int]]]:
        reached: list[list[tuple[int, int]]] = [[] for _ in range(self.inputs)]
        for place, tap, channel in np.argwhere(self.seen.transpose(1, 0, 2) >= 0):
            reached[self.seen[tap, place, channel]].append((int(place), int(tap)))
        return reached

    def pairs(self, address: int) -> list[tuple[int, int]]:
        """The (output place y * W_out + x, tap) that look at input `address`, by place, then tap.

        Each of them reaches the filters of the address's group, neurons place * filters + filter.
        """
        return self._pairs[address]

    def group_filters(self, address: int) -> range:
        """The output channels that see the channel of input `address`."""
        per_group = self.filters // self.groups
        group = address % self.map[2] // (self.map[2] // self.groups)
        return range(group * per_group, (group + 1) * per_group)

    def fan_out(self, address: int) -> int:
        return len(self.pairs(address)) * (self.filters // self.groups)

    def currents(self, weight: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        return whole_sums(self.sums(weight.astype(exact_floats(weight, spikes)), spikes))

    @cached_property
    def _flat_pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `pairs`: where those of each address start, then places and taps of all of them."""
        address = self.seen.transpose(1, 0, 2)
        place, tap, _ = np.nonzero(address >= 0)
        order = np.argsort(address[address >= 0], kind="stable")
        counts = np.bincount(address[address >= 0], minlength=self.inputs)
        return np.concatenate([[0], np.cumsum(counts)]), place[order], tap[order]

    def sums(self, weight: np.ndarray, spikes: np.ndarray) -> np.ndarray:
        frames = spikes.reshape(-1, self.inputs)
        # [groups, K * C / groups, filters / groups], rows as in `_windows`.
        group = self.map[2] // self.groups
        columns = weight.reshape(self.groups, -1, group, self.taps).transpose(0, 3, 2, 1)
        matrix = columns.reshape(self.groups, self.taps * group, -1)
        found: np.ndarray = np.empty((len(frames), self.neurons), dtype=weight.dtype)
        some = max(1, WINDOW_ENTRIES // self._windows.size)
        for first in range(0, len(frames), some):
            part = frames[first : first + some]
            if self.groups == 1 and few(part):
                sums = event_sums(matrix[0], part, group, *self._flat_pairs, self.neurons // self.filters)
                found[first : first + some] = sums.reshape(len(part), self.neurons)
                continue
            # One address more, always silent, for what lies outside.
            padded: np.ndarray = np.zeros((len(part), self.inputs + 1), dtype=weight.dtype)
            padded[:, :-1] = part
            windows = np.take(padded, self._windows, axis=1)  # [frames, places, groups, K * C / groups]
            if self.groups == 1:
                sums = windows.reshape(-1, matrix.shape[1]) @ matrix[0]
            else:
                flat = windows.reshape(-1, self.groups, matrix.shape[1]).transpose(1, 0, 2)
                sums = np.matmul(flat, matrix).transpose(1, 0, 2)
            found[first : first + some] = sums.reshape(len(part), self.neurons)
        return found.reshape(*spikes.shape[:-1], self.neurons)

    def reach(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # All inputs at once are the worst case; places at the border have fewer of them.
        every, wide = np.ones(self.inputs, dtype=np.int64), weight.astype(np.int64)
        least, most = np.minimum(wide, 0), np.maximum(wide, 0)
        return self.currents(least, every).astype(np.int64), self.currents(most, every).astype(np.int64)

    def check_weight(self, weight: np.ndarray, expected: tuple[int, ...], where: str) -> None:
        """Raise TwinspikeError unless the weight tensor has the shape `expected`."""
        if weight.shape != expected:
            raise out_of_range(f"{where}.weight shape", weight.shape, str(list(expected)))

    def check_windows(self, inputs: int, where: str) -> None:
        """Raise TwinspikeError unless the map is one of `inputs` addresses and the windows fit it."""
        channels = self.map[2]
        self.check_addresses(inputs, where)
        if self.filters < 1:
            raise out_of_range(f"{where} output channels", self.filters, "an integer >= 1")
        if self.groups < 1 or channels % self.groups or self.filters % self.groups:
            allowed = f"a divisor of {channels} input and {self.filters} output channels"
            raise out_of_range(f"{where}.groups", self.groups, allowed)
        if min(self.places) < 1:
            raise TwinspikeError(
                f"{where}: its kernel does not fit the map {list(self.map)}: use a smaller kernel or "
                "dilation, or more padding"
            )
        if self.neurons != prod(self.shape):
            raise out_of_range(f"{where} output map", list(self.shape), f"{self.neurons} neurons")
        if max(self.inputs, self.neurons) > MAX_ADDRESS + 1:
            allowed = f"at most {MAX_ADDRESS + 1} addresses a side"
            raise out_of_range(f"{where} maps", [list(self.map), list(self.shape)], allowed)
