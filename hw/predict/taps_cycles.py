"""Clocks of free taps: as of a convolution (conv_cycles.py), but for how an event's taps follow each other.

For tap j of a layer, `queued` of its last pair being when that was queued:

    read(j)  = moved(j-1) + 1, at an event's beginning begin(i)
    moved(j) = max(read(j), queued(last pair of the tap before that made any) - 1)
    a tap's first pair is walked at moved(j) + 1
    begin(i) = max(taken(i) + 2, moved(last tap of i-1) + 1, out(last pair of a TICK) + 4);
               for a TICK: max(taken(i) + 2, moved(last tap) + 2, out(last pair before) + 4)
"""

import functools
from collections.abc import Iterable

from ..plan.taps import TapsPlan
from .conv_cycles import ConvLayer


class TapsLayer(ConvLayer):
    """A layer of free taps with the queue and the encoder behind it."""

    def __init__(self, plan: TapsPlan, reset: int) -> None:
        super().__init__(plan, reset)
        self.placed = reset  # the last clock in which the latest place offered a pair
        self.taps = functools.cache(
            lambda address: [[visit.state_word for visit in visits] for visits in plan.tap_visits(address)]
        )

    def accept(self, entered: int, address: int | None) -> None:
        if address is None:
            super().accept(entered, address)
            self.start = max(self.start, self.free + 1)
            return
        self._event = address
        super().accept(entered, address)

    def _walk(self, begin: int, words: Iterable[int]) -> int:
        read, out = begin, []
        for visited in self.taps(self._event):
            moved = max(read, self.placed)
            if visited:
                self.placed = super()._walk(moved + 1, visited) - 1
                out += self.out
            read = moved + 1
        self.out = out
        return read
