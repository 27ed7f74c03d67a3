"""Free taps in hardware: an event walks the taps of its channel that can see it, each at its own place."""

import dataclasses
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from ...quant.layer import Layer
from ...quant.synapses.taps import Taps
from .layer import Visit
from .map_layer import EVENT_CLOCKS, MapPlan
from .words import pack_words, signed_bits


class Tap(NamedTuple):
    """Tap `k` of an input channel: it sees an event `down` rows and `right` columns from the event's place.

    An event's place is its coordinates divided by the stride.
    """

    channel: int
    k: int
    down: int
    right: int


@dataclasses.dataclass(frozen=True, eq=False)
class TapsPlan(MapPlan):
    """An event at {y, x, c} visits, for each tap of channel c that sees it, its words at one place.

    With a stride s a tap sees one row in s: so a channel's taps are listed by the remainders {y mod s,
    x mod s}, and an event walks one of these lists. A tap that would see it from outside the output map makes
    no visit, but takes a clock. Weight words: for each tap, in the order of the lists, `span` of them. All
    else see MapPlan.
    """

    noun: ClassVar[str] = "taps"

    @cached_property
    def lists(self) -> dict[tuple[int, int, int], list[Tap]]:
        """The taps in order, by {channel, y mod stride, x mod stride}: without those that see nothing."""
        taps, (phases_y, phases_x) = _taps(self.layer), self.phases
        (sy, sx), (channels, count, _), after = taps.stride, taps.offset.shape, self.leaving
        found: dict[tuple[int, int, int], list[Tap]] = {
            (c, y, x): [] for c in range(channels) for y in range(phases_y) for x in range(phases_x)
        }
        for c in range(channels):
            for k in range(count):
                # Output o sees input o * s + offset: o is what is left of the input's quotient.
                down, y = divmod(int(taps.offset[c, k, 0]), sy)
                right, x = divmod(int(taps.offset[c, k, 1]), sx)
                if (c, y, x) in found and abs(down) < after.height and abs(right) < after.width:
                    found[c, y, x].append(Tap(c, k, -down, -right))
        if not any(found.values()):
            # Memories need a row: here one that sees every event from outside.
            found[0, 0, 0].append(Tap(0, 0, after.height, 0))
        return found

    @property
    def phases(self) -> tuple[int, int]:
        """How many remainders y mod stride and x mod stride there are."""
        sizes = zip(self.stride, (self.arriving.height, self.arriving.width), strict=True)
        y, x = (min(stride, size) for stride, size in sizes)
        return y, x

    @cached_property
    def listed_taps(self) -> list[Tap]:
        """The taps, list after list: tap number n has the weight words from n * span on."""
        return [tap for taps in self.lists.values() for tap in taps]

    @cached_property
    def _starts(self) -> dict[tuple[int, int, int], int]:
        """The number of each list's first tap."""
        counts = np.cumsum([0, *(len(taps) for taps in self.lists.values())])
        return dict(zip(self.lists, counts.tolist(), strict=False))

    @property
    def stride(self) -> tuple[int, int]:
        """Along y and along x."""
        return _taps(self.layer).stride

    def tables(self) -> dict[str, np.ndarray]:
        """`lists`: {first tap, taps but one, weights, any} at {channel, y mod stride, x mod stride}.

        `taps`: {down, right} of each, in two's complement of `step_bits`. `channels`: {first word, words but
        one}.
        """
        y_bits, x_bits = self.phase_bits
        lists = np.zeros((self.arriving.channels << y_bits << x_bits, 4), np.int64)
        for (c, y, x), taps in self.lists.items():
            start = self._starts[c, y, x] if taps else 0
            row = (start, max(len(taps) - 1, 0), start * self.span, int(bool(taps)))
            lists[(c << y_bits | y) << x_bits | x] = row
        wrap = [(1 << bits) - 1 for bits in self.step_bits]
        taps_table = np.array([(tap.down & wrap[0], tap.right & wrap[1]) for tap in self.listed_taps])
        channels = np.array([(r.first, r.words - 1) for r in self.channel_words_reached])
        return {"lists": lists, "taps": taps_table, "channels": channels}

    @property
    def phase_bits(self) -> tuple[int, int]:
        """Bits of y mod stride and of x mod stride."""
        y_bits, x_bits = ((phases - 1).bit_length() for phases in self.phases)
        return y_bits, x_bits

    @cached_property
    def step_bits(self) -> tuple[int, int]:
        """Bits of a tap's signed `down` and `right`."""
        steps = np.array([(tap.down, tap.right) for tap in self.listed_taps])
        ends = zip(steps.min(axis=0).tolist(), steps.max(axis=0).tolist(), strict=True)
        y_bits, x_bits = (signed_bits(low, high) for low, high in ends)
        return y_bits, x_bits

    def tap_visits(self, address: int) -> list[list[Visit]]:
        """The visits of each tap of the list that an event at `address` walks, in order."""
        y, x, c = self.arriving.split(address)
        if c >= self.arriving.channels or x >= self.arriving.width:
            return []
        (sy, sx), (first, count) = self.stride, self.channel_words_reached[c]
        start, found = self._starts[c, y % sy, x % sx], []
        for number, tap in enumerate(self.lists[c, y % sy, x % sx], start):
            oy, ox = y // sy + tap.down, x // sx + tap.right
            inside = 0 <= oy < self.leaving.height and 0 <= ox < self.leaving.width
            words = range(count if inside else 0)
            found.append([Visit(self.word(oy, ox, first + i), number * self.span + i) for i in words])
        return found

    def visits(self, address: int) -> list[Visit]:
        return [visit for visits in self.tap_visits(address) for visit in visits]

    def event_clocks(self, address: int) -> float:
        """Without the clocks for which a pair waits until its state word may be read again."""
        return max(EVENT_CLOCKS, sum(max(1, len(visits)) for visits in self.tap_visits(address)))

    @property
    def weight_words(self) -> int:
        return len(self.listed_taps) * self.span

    def weight_image(self) -> list[int]:
        codes = self.weight_codes()  # [outputs, inputs / groups, taps]
        outputs, per_group, _ = codes.shape
        each = outputs // _taps(self.layer).groups
        table = np.zeros((len(self.listed_taps), self.span * self.lanes), np.int64)
        for row, tap in zip(table, self.listed_taps, strict=True):
            group, within = divmod(tap.channel, per_group)
            lane = group * each - self.channel_words_reached[tap.channel].first * self.lanes
            row[lane : lane + each] = codes[group * each : (group + 1) * each, within, tap.k]
        return pack_words(table.reshape(-1, self.lanes), self.layer.spec.weight_bits)


def _taps(layer: Layer) -> Taps:
    """The taps of a layer that has them; `PLANS` leads no other layer here."""
    if not isinstance(layer.synapses, Taps):
        raise TypeError(f"a layer of kind {layer.kind} has no free taps")
    return layer.synapses
