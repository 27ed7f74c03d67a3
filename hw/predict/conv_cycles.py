"""Clocks of a convolution: every pair of an event's walk has its own, for it may wait for its state word.

For the n-th pair of a layer, `out(word)` being when a pair of the same word went out before:

    walked(n) = queued(n-1), or at an event's or TICK's beginning begin(i)
    queued(n) = max(walked(n), out(n-1)) + 1
    out(n)    = max(queued(n), out(word) + 3, or + 5 if that was a TICK's, for an event: out(TICK's) + 3)
    begin(i)  = max(taken(i) + 2, queued(last pair of i-1), for a TICK: place(two TICKs before) + 3)
    taken(i)  = max(entered(i) + 1, taken(i-1) + 1, begin(i-1))
    spikes of word w: in the queue at out(w) + 6
"""

from collections.abc import Iterable

from ..plan import STATE_LATENCY, UPDATE_LATENCY, LayerPlan
from .serial_cycles import Layer


class ConvLayer(Layer):
    """A convolution with the queue and the encoder behind it."""

    def __init__(self, plan: LayerPlan, reset: int) -> None:
        super().__init__(plan, reset)
        self.latest = reset - 1  # when the latest pair went out
        self.out: dict[int, int] = {}  # when the latest pair of each state word did
        self.clear: dict[int, int] = {}  # from when on each state word may be visited again
        self.swept_at = reset - UPDATE_LATENCY  # when the latest pair of a TICK went out
        self.free = self._walk(reset, plan.sweep, tick=True)  # when the walk has handed on its last pair

    def _walk(self, begin: int, words: Iterable[int], *, tick: bool) -> int:
        """Walk the state words from `begin` on; returns when the last one was queued."""
        walked = begin
        for word in words:
            walked = max(walked, self.latest) + 1
            self.latest = max(walked, self.clear.get(word, walked))
            if tick:
                self.swept_at = self.latest
            else:
                self.latest = max(self.latest, self.swept_at + UPDATE_LATENCY)
            self.out[word] = self.latest
            self.clear[word] = self.latest + (STATE_LATENCY if tick else UPDATE_LATENCY)
        return walked

    def accept(self, entered: int, address: int | None) -> None:
        taken = max(entered + 1, self.taken + 1, self.start)
        self.taken_before, self.taken = self.taken, taken
        begin = max(taken + 2, self.free)
        if address is None:
            begin = max(begin, self.places[0] + 3)
            words = self.plan.sweep
        else:
            words = [visit.state_word for visit in self.plan.visits(address)]
        self.start = begin
        self.free = self._walk(begin, words, tick=address is None)

    def swept(self, word: int) -> int:
        return self.out[word]
