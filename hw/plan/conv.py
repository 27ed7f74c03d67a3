"""A convolution in hardware: an event walks the outputs that see it, row by row."""

import dataclasses
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from ...quant.layer import Layer
from ...quant.synapses.conv import Conv
from .layer import Visit
from .map_layer import EVENT_CLOCKS, MapPlan
from .maps import Axis
from .words import pack_words


class ChannelTaps(NamedTuple):
    """The words of output channels that an input channel reaches, from `first` on; its weights' `base`."""

    first: int
    words: int
    base: int


@dataclasses.dataclass(frozen=True, eq=False)
class ConvPlan(MapPlan):
    """An event at {y, x, c} visits, for each output row that sees it, for each output column, its words.

    Weight words: for each input channel, each place in the kernel, `span` of them. All else see MapPlan.
    """

    noun: ClassVar[str] = "a convolution"

    @cached_property
    def channel_table(self) -> list[ChannelTaps]:
        """What each input channel reaches."""
        _, _, height, width = self.layer.weight.shape
        each = height * width * self.span
        return [ChannelTaps(*reached, c * each) for c, reached in enumerate(self.channel_words_reached)]

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


def _conv(layer: Layer) -> Conv:
    """The convolution of a layer that has one; `PLANS` leads no other layer here."""
    if not isinstance(layer.synapses, Conv):
        raise TypeError(f"a layer of kind {layer.kind} is no convolution")
    return layer.synapses
