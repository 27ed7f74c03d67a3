"""Clocks of a core that takes one event at a time, station by station."""

from collections import deque

import numpy as np

from ..layers.queue import STEPS_IN_FLIGHT
from ..plan import CorePlan, LayerPlan
from .stations import Sink, emit_word


def _word_counts(layer: LayerPlan, train: np.ndarray) -> np.ndarray:
    """Spikes in each word: bool [T, B, N] -> int64 [T, B, W]."""
    extra = layer.words * layer.lanes - layer.neurons
    padded = np.pad(train, [(0, 0), (0, 0), (0, extra)])
    return padded.reshape(*train.shape[:2], layer.words, layer.lanes).sum(axis=3)


class _Layer(Sink):
    """A DenseLayer with the queue and the encoder behind it."""

    def __init__(self, plan: LayerPlan, reset: int) -> None:
        super().__init__()
        self.plan = plan
        self.start = reset  # of the latest item, at first the quiet sweep
        self.sweep = 0  # start of the latest TICK
        self.places = deque([-3] * STEPS_IN_FLIGHT, maxlen=STEPS_IN_FLIGHT)
        self.word_taken = self.emitted = self.entered = -1  # encoder: latest word, event, hand-over

    def accept(self, entered: int, tick: bool) -> None:
        taken = max(entered + 1, self.taken + 1, self.start)
        self.taken_before, self.taken = self.taken, taken
        start = max(self.start + self.plan.row_cycles, taken + 2)
        if tick:
            start = max(start, self.places[0] + 3)
            self.sweep = start
        self.start = start

    def emit(self, words: np.ndarray, consumer: Sink) -> int:
        """Encode the latest sweep's spikes into `consumer`; returns when the last word left the queue."""
        final = len(words) - 1
        for w, spikes in enumerate(words.tolist()):
            if spikes == 0 and w != final:
                continue
            self.word_taken = max(self.sweep + w + 8, self.emitted + 1)
            self.emitted, self.entered = emit_word(
                self.word_taken, spikes, self.emitted, self.entered, consumer, end=w == final
            )
        return self.word_taken


class _Source:
    """Words offered at the input without pause."""

    def __init__(self) -> None:
        self.earliest = 1

    def offer(self, layer: _Layer, events: int) -> int:
        """One step of `events` events and a TICK; returns when its first word was taken."""
        first = -1
        for i in range(events + 1):
            entered = max(self.earliest, layer.room())
            self.earliest = entered + 1
            first = first if i else entered
            layer.accept(entered, tick=i == events)
        return first


class _Readout(Sink):
    """The EMD readout; the output stream beside it is always ready."""

    def __init__(self, plan: CorePlan, reset: int) -> None:
        super().__init__()
        self.neurons, self.result = plan.network.outputs, plan.result_clocks
        self.rest = self.result - (2 if plan.slots else 3)  # from a frame's last TICK more than from another
        self.open = reset + self.neurons + 1  # from here on events are taken, until the next TICK

    def accept(self, entered: int, tick: bool) -> None:
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1, self.open)
        if tick:
            self.open = self.taken + self.neurons + 2

    def end_frame(self) -> int:
        """The latest TICK was a frame's last one; returns when its result appears."""
        self.open += self.rest
        return self.taken + self.result


class _CountReadout(Sink):
    """The count readout; the output stream beside it is always ready."""

    def __init__(self, plan: CorePlan, reset: int) -> None:
        super().__init__()
        self.neurons = plan.network.outputs
        self.open = reset + self.neurons  # from here on events are taken, until a frame's last TICK

    def accept(self, entered: int, tick: bool) -> None:
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1, self.open)

    def end_frame(self) -> int:
        """The latest TICK was a frame's last one; returns when its result appears."""
        self.open = self.taken + max(self.neurons + 1, 3)
        return self.taken + 2
