"""When everything happens in a core that nothing stalls from outside: the cycle contract, exactly.

The core is a line of stations that serve items in order. An item enters a station once it has
arrived, the one before has left it and there is room behind it; so times follow from a recurrence
of maxima and sums (max-plus), evaluated here for real spikes. Simulation must agree frame by frame.

All times are clocks since reset, or since `weights_loaded` rose where weights are loaded, a word a
clock. For the i-th event or TICK of a layer, C = max(ceil(N / P), 5):

    start(i) = max(start(i-1) + C, taken(i) + 2, for a TICK: place(two TICKs before) + 3)
    taken(i) = max(entered(i) + 1, taken(i-1) + 1, start(i-1))     entered: into the skid buffer
    spikes of word w, sweep begun at start: in the queue at start + w + 6, readable 2 clocks later
    encoder: takes a word when the one before is done, then emits one event a clock, TICK last
    place(TICK): when a step's last word left the queue
    readout of N neurons: takes one event a clock, from N + 2 clocks after a TICK was taken; after a
             frame's last TICK from N + K + 4 clocks; the result comes K + 5 clocks after that TICK.
             With K slots N + K + 7 + P and K + 7 + P clocks, a label having P pieces
    count readout: takes one event a clock, after a frame's last TICK from max(N + 1, 3) clocks; the
             result comes 2 clocks after that TICK
"""

from collections import deque

import numpy as np

from .plan import CorePlan, LayerPlan
from .queue import STEPS_IN_FLIGHT
from .weight_image import weight_image


def frame_times(
    plan: CorePlan, spikes: np.ndarray, layers: tuple[np.ndarray, ...], *, isolate: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Clock of each frame's first word taken and of its result, int64 [B] each, counted from reset.

    `spikes` are the input spikes bool [T, B, inputs] and `layers` every layer's, as the golden
    model gives them. Words are offered without pause from clock 1 on; with `isolate` a frame's
    first word is offered 2 clocks after the previous frame's result. Outputs are always ready.
    """
    if plan.wide:
        from .wide_cycles import wide_frame_times

        return wide_frame_times(plan, spikes, layers, isolate=isolate)
    source = _Source()
    load = len(weight_image(plan))
    # The quiet sweep after reset starts in clock 0; an image of n words is loaded 2 n + 3 clocks later.
    reset = -(2 * load + 3) if load else 0
    stations = [_Layer(layer, reset) for layer in plan.layers]
    kind = _Readout if plan.network.readout == "emd" else _CountReadout
    readout = kind(plan, reset)
    counts = spikes.sum(axis=2)
    words = [_word_counts(plan.layers[i], train) for i, train in enumerate(layers)]
    started: list[int] = []
    finished: list[int] = []
    for frame in range(spikes.shape[1]):
        if isolate and finished:
            source.earliest = finished[-1] + 2
        for step in range(plan.network.timesteps):
            first = source.offer(stations[0], int(counts[step, frame]))
            if step == 0:
                started.append(first)
            for i, station in enumerate(stations):
                consumer = stations[i + 1] if i + 1 < len(stations) else readout
                station.places.append(station.emit(words[i][step, frame], consumer))
        finished.append(readout.end_frame())
    return np.array(started, dtype=np.int64), np.array(finished, dtype=np.int64)


def _word_counts(layer: LayerPlan, train: np.ndarray) -> np.ndarray:
    """Spikes in each word: bool [T, B, N] -> int64 [T, B, W]."""
    extra = layer.words * layer.lanes - layer.neurons
    padded = np.pad(train, [(0, 0), (0, 0), (0, extra)])
    return padded.reshape(*train.shape[:2], layer.words, layer.lanes).sum(axis=3)


class Sink:
    """A consumer behind a skid buffer that is always ready: the output stream."""

    def __init__(self) -> None:
        self.taken = self.taken_before = -1

    def room(self) -> int:
        """First clock in which the skid buffer before this station accepts another item."""
        return self.taken_before + 1

    def accept(self, entered: int, tick: bool) -> None:
        """An item enters the skid buffer at `entered`."""
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1)


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


def emit_word(
    taken: int, spikes: int, emitted: int, entered: int, consumer: "Sink", *, end: bool
) -> tuple[int, int]:
    """The encoder's time for a word taken: its spikes, and a TICK if it ends the step, one a clock.

    `emitted` and `entered` are those of the event before, and of the last one when it returns: when
    it left the encoder's first stage, when it entered the skid buffer.
    """
    events = spikes + end
    for i in range(events):
        emitted = max(taken + 1 if i == 0 else emitted + 1, entered)
        entered = max(emitted + 1, consumer.room())
        consumer.accept(entered, tick=end and i == events - 1)
    return emitted, entered


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
