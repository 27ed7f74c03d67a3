"""A convolution in hardware: an event walks the outputs that see it, row by row."""

import dataclasses
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ...numerics.errors import TwinspikeError
from ...quant.layer import Layer
from ...quant.synapses.conv import Conv
from .background import background
from .layer import LayerPlan, Visit, pack_words
from .maps import Axis, MapFields

# An event's tables are read while the one before it is walked; so an event takes at least this long.
EVENT_CLOCKS = 2


class ChannelTaps(NamedTuple):
    """The words of output channels that an input channel reaches, from `first` on; its weights' `base`."""

    first: int
    words: int
    base: int


@dataclasses.dataclass(frozen=True, eq=False)
class ConvPlan(LayerPlan):
    """A state word holds P channels of one place: {y, x, channel / P}, so word * P + lane is the address.

    P is a power of two. Channels and columns are padded to powers of two; no walk visits padded columns.
    An event at {y, x, c} visits, for each output row that sees it, for each output column, the words of
    the channels of its group. Weight words: for each input channel, each place in the kernel, `span` words,
    the most that an input channel reaches; lanes of other groups hold 0.

    A TICK sweeps the words that events have reached in this frame, in the order in which they were first
    reached. All others would do what `background` says, which differs by step and channel alone: a word
    begins with it when it is reached. Where the background fires every word is swept (`sweeps_reached`).
    """

    def __post_init__(self) -> None:
        # Every place begins a word of its own.
        object.__setattr__(self, "row", self.layer.shape[2])

    @cached_property
    def arriving(self) -> MapFields:
        """The map that events come from."""
        return MapFields(*_conv(self.layer).map)

    @property
    def inputs(self) -> int:
        return self.arriving.addresses

    @cached_property
    def leaving(self) -> MapFields:
        return MapFields(*self.layer.shape)

    @cached_property
    def axes(self) -> tuple[Axis, Axis]:
        """Along y and along x."""
        conv = _conv(self.layer)
        vertical, horizontal = (
            Axis(
                conv.map[i],
                conv.shape[i],
                conv.kernel[i],
                conv.stride[i],
                conv.padding[i],
                conv.dilation[i],
            )
            for i in range(2)
        )
        return vertical, horizontal

    @cached_property
    def channel_table(self) -> list[ChannelTaps]:
        """What each input channel reaches."""
        _, per_group, height, width = self.layer.weight.shape
        groups, channels = _conv(self.layer).groups, self.leaving.channels
        each = channels // groups
        found = []
        for c in range(self.arriving.channels):
            first = c // per_group * each
            low, high = first // self.lanes, (first + each - 1) // self.lanes
            found.append((low, high - low + 1))
        span = max(count for _, count in found)
        return [ChannelTaps(low, n, c * height * width * span) for c, (low, n) in enumerate(found)]

    @property
    def quick(self) -> bool:
        return True

    @property
    def listed(self) -> bool:
        return True

    @cached_property
    def _background(self) -> np.ndarray | None:
        return background(self.layer, self.timesteps) if self.timesteps else None

    @property
    def sweeps_reached(self) -> bool:
        return self._background is not None

    @property
    def backgrounds(self) -> np.ndarray:
        steps = self._background
        if steps is None:
            return super().backgrounds
        return np.concatenate([self.parameters(step, fill=0) for step in steps])

    def tables(self) -> dict[str, np.ndarray]:
        """Rows of {first output, outputs but one, weights}; on the axes, whether there are any outputs."""
        rows, columns = self.axes
        found = {}
        for name, axis, words in (
            ("rows", rows, columns.kernel * self.span),
            ("columns", columns, self.span),
        ):
            taps = axis.table()
            found[name] = np.array(
                [(t.first, max(t.outputs - 1, 0), t.kernel * words, int(t.outputs > 0)) for t in taps]
            )
        found["channels"] = np.array([(t.first, t.words - 1, t.base) for t in self.channel_table])
        return found

    @property
    def span(self) -> int:
        """Weight words for one place in the kernel."""
        return max(taps.words for taps in self.channel_table)

    @property
    def word_bits(self) -> int:
        """Bits of a channel word's number in a state word's."""
        return self.leaving.c_bits - (self.lanes - 1).bit_length()

    @property
    def channel_words(self) -> int:
        """Words of one place that hold channels."""
        return -(-self.leaving.channels // self.lanes)

    def word(self, y: int, x: int, c: int) -> int:
        """State word `c` of the place (y, x)."""
        return (y << self.leaving.x_bits | x) << self.word_bits | c

    @property
    def words(self) -> int:
        return self.leaving.addresses // self.lanes

    @property
    def sweep(self) -> list[int]:
        """State words that hold a neuron, in the order in which a TICK visits them if it visits all."""
        places = self.leaving
        return [
            self.word(y, x, c)
            for y in range(places.height)
            for x in range(places.width)
            for c in range(self.channel_words)
        ]

    @property
    def places(self) -> np.ndarray:
        return self.leaving.sent.reshape(-1, self.lanes)

    @property
    def parameter_bits(self) -> int:
        return self.word_bits

    def parameters(self, values: np.ndarray, fill: int) -> np.ndarray:
        """[channels] -> [2^word_bits, P]: what a place's words have, whichever the place."""
        own = np.full(self.lanes << self.word_bits, fill, np.int64)
        own[: len(values)] = values
        return own.reshape(-1, self.lanes)

    def visits(self, address: int) -> list[Visit]:
        y, x, c = self.arriving.split(address)
        vertical, horizontal = self.axes
        if c >= self.arriving.channels or x >= self.arriving.width:
            return []
        first, count, base = self.channel_table[c]
        return [
            Visit(self.word(oy, ox, first + i), base + (ky * horizontal.kernel + kx) * self.span + i)
            for oy, ky in vertical.pairs(y)
            for ox, kx in horizontal.pairs(x)
            for i in range(count)
        ]

    def event_clocks(self, address: int) -> float:
        """Without the clocks for which a pair waits until its state word may be read again."""
        return max(EVENT_CLOCKS, len(self.visits(address)))

    @property
    def tick_clocks(self) -> int:
        """At most: one a word that holds neurons. A TICK visits fewer where it sweeps what was reached."""
        return max(EVENT_CLOCKS, self.leaving.height * self.leaving.width * self.channel_words)

    @property
    def weight_words(self) -> int:
        _, _, height, width = self.layer.weight.shape
        return self.arriving.channels * height * width * self.span

    def weight_image(self) -> list[int]:
        codes = self.weight_codes()  # [outputs, inputs / groups, height, width]
        outputs, per_group, height, width = codes.shape
        each = outputs // _conv(self.layer).groups
        table = np.zeros((self.arriving.channels, height, width, self.span * self.lanes), np.int64)
        for c, taps in enumerate(self.channel_table):
            group, within = divmod(c, per_group)
            lane = group * each - taps.first * self.lanes
            own = codes[group * each : (group + 1) * each, within]
            table[c, :, :, lane : lane + each] = own.transpose(1, 2, 0)
        return pack_words(table.reshape(-1, self.lanes), self.layer.spec.weight_bits)

    @classmethod
    def default_lanes(cls, layer: Layer) -> int:
        """A 64-bit weight word at most, and no more than the channels; whole groups for binary weights."""
        bits = layer.spec.weight_bits
        most = min(64 // bits, 1 << (layer.shape[2] - 1).bit_length())
        groups = _conv(layer).groups
        if bits == 1 and groups > 1:
            each = layer.shape[2] // groups
            most = min(most, each & -each)
        return 1 << (most.bit_length() - 1)

    @classmethod
    def check_lanes(cls, layer: Layer, lanes: int, where: str, name: str) -> None:
        """Raise TwinspikeError for lanes that a convolution cannot have; `name` is the layer's."""
        channels, groups = layer.shape[2], _conv(layer).groups
        most = 1 << (channels - 1).bit_length()
        if not 1 <= lanes <= most or lanes & (lanes - 1):
            raise TwinspikeError(
                f"{where} = {lanes}: allowed for {name}, a convolution of {channels} channels, is a power of "
                f"two in 1..{most}"
            )
        if layer.spec.weight_bits == 1 and groups > 1 and channels // groups % lanes:
            # A lane of another group would have to add 0, which a binary weight cannot be.
            each = channels // groups
            raise TwinspikeError(
                f"{where} = {lanes}: with binary weights {name} needs lanes that divide the {each} channels "
                f"of each of its {groups} groups, a power of two in 1..{each & -each}"
            )


def _conv(layer: Layer) -> Conv:
    """The convolution of a layer that has one; `PLANS` leads no other layer here."""
    if not isinstance(layer.synapses, Conv):
        raise TypeError(f"a layer of kind {layer.kind} is no convolution")
    return layer.synapses
