"""Layers on feature maps in hardware: what walkers of convolutions and of free taps have in common."""

import dataclasses
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from ...numerics.errors import TwinspikeError
from ...quant.layer import Layer
from ...quant.synapses.maps import Windows
from .background import background
from .layer import LayerPlan
from .maps import MapFields

# An event's tables are read while the one before it is walked; so an event takes at least this long.
EVENT_CLOCKS = 2


class ChannelWords(NamedTuple):
    """The words of output channels that an input channel reaches, from `first` on."""

    first: int
    words: int


@dataclasses.dataclass(frozen=True, eq=False)
class MapPlan(LayerPlan):
    """A state word holds P channels of one place: {y, x, channel / P}, so word * P + lane is the address.

    P is a power of two. Channels and columns are padded to powers of two; no walk visits padded columns.
    At each place that sees an event its walk visits the words of the channels of its group. Each tap of an
    input channel has `span` words of weights, the most that one reaches; lanes of other groups hold 0.

    A TICK sweeps the words that events have reached in this frame, in the order in which they were first
    reached. All others would do what `background` says, which differs by step and channel alone: a word
    begins with it when it is reached. Where the background fires every word is swept (`sweeps_reached`).
    """

    # What messages call such a layer.
    noun: ClassVar[str] = "a map"

    def __post_init__(self) -> None:
        # Every place begins a word of its own.
        object.__setattr__(self, "row", self.layer.shape[2])

    @cached_property
    def arriving(self) -> MapFields:
        """The map that events come from."""
        return MapFields(*windows(self.layer).map)

    @property
    def inputs(self) -> int:
        return self.arriving.addresses

    @cached_property
    def leaving(self) -> MapFields:
        return MapFields(*self.layer.shape)

    @cached_property
    def channel_words_reached(self) -> list[ChannelWords]:
        """The words that each input channel reaches at a place."""
        synapses, channels = windows(self.layer), self.leaving.channels
        per_group, each = synapses.map[2] // synapses.groups, channels // synapses.groups
        found = []
        for c in range(self.arriving.channels):
            first = c // per_group * each
            low, high = first // self.lanes, (first + each - 1) // self.lanes
            found.append(ChannelWords(low, high - low + 1))
        return found

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

    @cached_property
    def span(self) -> int:
        """Weight words for one tap of an input channel."""
        return max(reached.words for reached in self.channel_words_reached)

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

    @property
    def tick_clocks(self) -> int:
        """At most: one a word that holds neurons. A TICK visits fewer where it sweeps what was reached."""
        return max(EVENT_CLOCKS, self.leaving.height * self.leaving.width * self.channel_words)

    @classmethod
    def default_lanes(cls, layer: Layer) -> int:
        """A 64-bit weight word at most, and no more than the channels; whole groups for binary weights."""
        bits = layer.spec.weight_bits
        most = min(64 // bits, 1 << (layer.shape[2] - 1).bit_length())
        groups = windows(layer).groups
        if bits == 1 and groups > 1:
            each = layer.shape[2] // groups
            most = min(most, each & -each)
        return 1 << (most.bit_length() - 1)

    @classmethod
    def check_lanes(cls, layer: Layer, lanes: int, where: str, name: str) -> None:
        """Raise TwinspikeError for lanes that a layer on maps cannot have; `name` is the layer's."""
        channels, groups = layer.shape[2], windows(layer).groups
        most = 1 << (channels - 1).bit_length()
        if not 1 <= lanes <= most or lanes & (lanes - 1):
            raise TwinspikeError(
                f"{where} = {lanes}: allowed for {name}, {cls.noun} of {channels} channels, is a power of "
                f"two in 1..{most}"
            )
        if layer.spec.weight_bits == 1 and groups > 1 and channels // groups % lanes:
            # A lane of another group would have to add 0, which a binary weight cannot be.
            each = channels // groups
            raise TwinspikeError(
                f"{where} = {lanes}: with binary weights {name} needs lanes that divide the {each} channels "
                f"of each of its {groups} groups, a power of two in 1..{each & -each}"
            )


def windows(layer: Layer) -> Windows:
    """The synapses of a layer on maps; `PLANS` leads no other layer to the plans of such ones."""
    if not isinstance(layer.synapses, Windows):
        raise TypeError(f"a layer of kind {layer.kind} is not on maps")
    return layer.synapses
