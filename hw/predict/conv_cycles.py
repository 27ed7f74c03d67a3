"""Clocks of a convolution: every pair of an event's walk has its own, for it may wait for its state word.

For the n-th pair of a layer, `out(word)` being when a pair of the same word went out before:

    walked(n) = queued(n-1), or at an event's beginning begin(i)
    queued(n) = max(walked(n), out(n-1)) + 1
    out(n)    = max(queued(n), out(word) + 3)
    begin(i)  = max(taken(i) + 2, queued(last pair of i-1), out(last pair of a TICK) + 4);
                for a TICK: max(taken(i) + 2, out(last pair before) + 4)
    taken(i)  = max(entered(i) + 1, taken(i-1) + 1, begin(i-1))

A TICK's sweep asks for its words one a clock, from begin(i) on, while the queue has room; a word's pair goes
out 2 clocks after it was asked for. There is room in clock c if of the spike words that came into the queue
up to c - 2 at most WordQueue.limit had not been taken by then.

    spikes of word w: in the queue at out(w) + 6
"""

import functools
from collections import deque
from collections.abc import Iterable

import numpy as np

from ..layers.queue import WordQueue
from ..plan import UPDATE_LATENCY, LayerPlan
from .serial_cycles import Layer
from .stations import Sink, emit_word

# Clocks from the last pair before a sweep to its beginning, and from its last one to an event's.
SETTLING = 4


class ConvLayer(Layer):
    """A convolution with the queue and the encoder behind it."""

    def __init__(self, plan: LayerPlan, reset: int) -> None:
        super().__init__(plan, reset)
        self.latest = self.swept_at = reset + 1 + plan.words  # when the latest pair went out, that of a TICK
        self.out = [reset + 2 + i for i in range(plan.words)]  # when each pair of the latest item went out
        self.clear: dict[int, int] = {}  # from when on each state word may be visited again
        self.free = reset  # when the walk has handed on its last pair
        self.reached: dict[int, None] = {}  # what a TICK sweeps, in order
        self.step = 0
        self.inside: deque[tuple[int, int]] = deque()  # when each word came into the queue, and left it
        self.limit = WordQueue.limit(plan.words)
        # Worked out once: many events come from the same places.
        self.visited = functools.cache(lambda address: [visit.state_word for visit in plan.visits(address)])

    def accept(self, entered: int, address: int | None) -> None:
        taken = max(entered + 1, self.taken + 1, self.start)
        self.taken_before, self.taken = self.taken, taken
        if address is None:
            self.start = max(taken + 2, self.latest + SETTLING)
            return
        self.start = max(taken + 2, self.free, self.swept_at + SETTLING)
        visited = self.visited(address)
        self.reached.update(dict.fromkeys(visited))
        self.free = self._walk(self.start, visited)

    def _walk(self, begin: int, words: Iterable[int]) -> int:
        """Walk the state words from `begin` on; returns when the last one was queued."""
        walked, self.out = begin, []
        for word in words:
            walked = max(walked, self.latest) + 1
            self.latest = max(walked, self.clear.get(word, walked))
            self.clear[word] = self.latest + UPDATE_LATENCY
            self.out.append(self.latest)
        return walked

    def emit(self, spikes: np.ndarray, consumer: Sink) -> int:
        """Sweep for the TICK that came last, while its spikes bool [N] leave through the encoder.

        Returns when the last word left the queue.
        """
        order: list[int | None] = list(self.reached if self.plan.sweeps_reached else self.order)
        words, asked = self.sent_words(spikes), self.start - 1
        self.out = []
        for place, word in enumerate(order or [None]):
            asked = self._room(asked + 1)
            self.latest = self.swept_at = asked + 2
            self.out.append(self.latest)
            addresses, end = [] if word is None else words[word], place >= len(order) - 1
            if not addresses and not end:
                continue
            self.word_taken = max(self.latest + 8, self.emitted + 1)
            self.inside.append((self.latest + 6, self.word_taken))
            self.emitted, self.entered = emit_word(
                self.word_taken, addresses, self.emitted, self.entered, consumer, end=end
            )
        self.step += 1
        if self.step == self.plan.timesteps:
            self.step, self.reached = 0, {}
        return self.word_taken

    def _room(self, clock: int) -> int:
        """The first clock from `clock` on in which the sweep may ask for a word."""
        inside = self.inside
        while inside and inside[0][1] <= clock - 2:
            inside.popleft()
        while len(inside) > self.limit:
            if sum(came <= clock - 2 < left for came, left in inside) <= self.limit:
                break
            clock += 1
        return clock
