"""Clocks of a core that takes one event at a time, station by station."""

import functools
from collections import deque

import numpy as np

from ...numerics.events import TICK
from ...numerics.values import VALUE
from ..layers.queue import STEPS_IN_FLIGHT
from ..plan import CorePlan, LayerPlan
from .stations import Sink, emit_word


class Layer(Sink):
    """A layer with the queue and the encoder behind it."""

    def __init__(self, plan: LayerPlan, reset: int) -> None:
        super().__init__()
        # Asked of the plan once: it works them out anew each time.
        self.plan, self.order = plan, list(plan.sweep)
        self.sent, self.lanes, self.words = plan.sent, plan.lanes, plan.words
        self.tick_clocks, self.event_clocks = plan.tick_clocks, functools.cache(plan.event_clocks)
        self.start = reset  # of the latest item, at first the quiet sweep
        self.busy: float = self.tick_clocks  # clocks from there until the next item can start
        self.sweep = 0  # start of the latest TICK
        self.places = deque([-3] * STEPS_IN_FLIGHT, maxlen=STEPS_IN_FLIGHT)
        self.word_taken = self.emitted = self.entered = -1  # encoder: latest word, event, hand-over

    def accept(self, entered: int, address: int | None) -> None:
        taken = max(entered + 1, self.taken + 1, self.start)
        self.taken_before, self.taken = self.taken, taken
        start = max(self.start + int(self.busy), taken + 2)
        if address is None:
            start = max(start, self.places[0] + 3)
            self.sweep = start
        self.start = start
        self.busy = self.tick_clocks if address is None else self.event_clocks(address)

    def swept(self, word: int) -> int:
        """The clock in which the latest sweep visited state word `word`."""
        return self.sweep + word

    def sent_words(self, spikes: np.ndarray) -> list[list[int]]:
        """The addresses that a step's spikes bool [N] become, word by word, in the order of the encoder."""
        sent = np.flatnonzero(spikes[self.sent.clip(0)] & (self.sent >= 0))
        words: list[list[int]] = [[] for _ in range(self.words)]
        for address in sent.tolist():
            words[address // self.lanes].append(address)
        return words

    def emit(self, spikes: np.ndarray, consumer: Sink) -> int:
        """Encode a step's spikes bool [N], of the latest sweep, into `consumer`.

        Returns when the last word left the queue.
        """
        words = self.sent_words(spikes)
        final = self.order[-1]
        for w in self.order:
            addresses = words[w]
            if not addresses and w != final:
                continue
            self.word_taken = max(self.swept(w) + 8, self.emitted + 1)
            self.emitted, self.entered = emit_word(
                self.word_taken, addresses, self.emitted, self.entered, consumer, end=w == final
            )
        return self.word_taken


class Source:
    """Words offered at the input without pause."""

    def __init__(self) -> None:
        self.earliest = 1

    def offer(self, layer: Sink, words: list[int]) -> int:
        """One step's addresses and VALUE words, and its TICK; returns when the first word was taken."""
        first = -1
        for i, word in enumerate([*words, TICK]):
            entered = max(self.earliest, layer.room())
            self.earliest = entered + 1
            first = first if i else entered
            if word >= VALUE:
                layer.drop(entered)
            else:
                layer.accept(entered, word if word < TICK else None)
        return first


class Readout(Sink):
    """The EMD readout of fixed references; the output stream beside it is always ready."""

    def __init__(self, plan: CorePlan, reset: int) -> None:
        super().__init__()
        self.result = plan.result_clocks
        self.closed = max(plan.network.outputs + 1, self.result - 1)
        self.open = reset + plan.network.outputs  # from here on events are taken, until a frame's last TICK

    def accept(self, entered: int, address: int | None) -> None:
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1, self.open)

    def end_frame(self) -> int:
        """The latest TICK was a frame's last one; returns when its result appears."""
        self.open = self.taken + self.closed
        return self.taken + self.result


class SlotReadout(Sink):
    """The EMD readout of slots; the output stream beside it is always ready."""

    def __init__(self, plan: CorePlan, reset: int) -> None:
        super().__init__()
        self.neurons, self.result = plan.network.outputs, plan.result_clocks
        self.rest = self.result - 2  # from a frame's last TICK more than from another
        self.open = reset + self.neurons + 1  # from here on events are taken, until the next TICK

    def accept(self, entered: int, address: int | None) -> None:
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1, self.open)
        if address is None:
            self.open = self.taken + self.neurons + 2

    def end_frame(self) -> int:
        """The latest TICK was a frame's last one; returns when its result appears."""
        self.open += self.rest
        return self.taken + self.result


class CountReadout(Sink):
    """The count readout; the output stream beside it is always ready."""

    def __init__(self, plan: CorePlan, reset: int) -> None:
        super().__init__()
        self.neurons = plan.network.outputs
        self.open = reset + self.neurons  # from here on events are taken, until a frame's last TICK

    def accept(self, entered: int, address: int | None) -> None:
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1, self.open)

    def end_frame(self) -> int:
        """The latest TICK was a frame's last one; returns when its result appears."""
        self.open = self.taken + max(self.neurons + 1, 3)
        return self.taken + 2


class MembraneReadout(Sink):
    """The membrane readout, which takes words of membranes from the last layer's queue."""

    def __init__(self, plan: CorePlan, reset: int) -> None:
        super().__init__()
        self.result = plan.result_clocks
        self.open = reset + plan.layers[-1].words  # from here on words are taken: the sums are cleared

    def gather(self, swept: list[int]) -> int:
        """A step's words, by the clocks in which the sweep visited them; returns when the last was taken."""
        for visited in swept:
            self.taken = max(visited + 8, self.open)
            self.open = self.taken + 3
        self.open += 1
        return self.taken

    def end_frame(self) -> int:
        """The latest word was a frame's last one; returns when its result appears."""
        self.open = self.taken + self.result + 1
        return self.taken + self.result
