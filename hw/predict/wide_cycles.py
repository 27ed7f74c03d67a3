"""The cycle contract of a wide core that nothing stalls from outside, exactly; see hw/predict/cycles.py.

Clocks, for S = spike_latency(layer) and a layer's source (ingress or serialiser):

    beat taken   = max(entered + 1, beat before + 1); with a TICK also TICK before + 3, and there
                   must be room: the TICK 15 before has left the layer's queues 3 clocks before
    spikes       = TICK taken + S, at once in the queue's output where nothing waits there
    serialiser   loads a step when the one before ends; its TICK goes with the last of the s spikes in
                   the fullest bank: max(load + max(s, 2), TICK before + 3, room)
    readout      takes a step every min(K, 3) clocks; the result is valid `readout_latency` clocks
                   after the last one was taken
    m_axis       as in hw/predict/cycles.py, a word for each step, taken as the TICK before it leaves
    convolutions before the dense layers: see hw/predict/wide_conv_cycles.py; behind them an event is a beat,
                 taken when it is offered
"""

from collections import deque

import numpy as np

from ...numerics.events import beat_counts
from ...numerics.values import step_words
from ..plan import CorePlan
from ..plan.wide import QUEUE_STEPS, TICK_SPACING, groups, readout_latency, spike_latency
from .serial_cycles import Source
from .stations import Sink, emit_word
from .wide_conv_cycles import Consumer, MapLayer, MapPort

_NEVER = -(10**9)


def wide_frame_times(
    plan: CorePlan, spikes: np.ndarray, layers: tuple[np.ndarray, ...], *, isolate: bool
) -> tuple[np.ndarray, np.ndarray]:
    """As hw/predict/cycles.py's frame_times, for a wide core; beats are packed as numerics/events.py does."""
    dense = _Dense(plan, layers)
    port = _MapPort(plan, layers, dense) if plan.wide_maps else _BeatPort(plan, spikes, dense)
    started: list[int] = []
    finished: list[int] = []
    for frame in range(spikes.shape[1]):
        if isolate and finished:
            port.wait(finished[-1] + 2)
        for step in range(plan.network.timesteps):
            first = port.step(step, frame, spikes[step, frame])
            if step == 0:
                started.append(first)
        finished.append(dense.result)
    return np.array(started, dtype=np.int64), np.array(finished, dtype=np.int64)


class _Dense:
    """The dense layers and what is behind them; `layers` are all layers' spikes [T, B, N]."""

    def __init__(self, plan: CorePlan, layers: tuple[np.ndarray, ...]) -> None:
        first = len(plan.wide_maps)
        self._plans = plan.layers[first:]
        self._stations = [_Queue() for _ in self._plans]
        self._serialisers = [_Serialiser() for _ in self._plans[1:]]
        self._readout, self._axis = _Readout(plan), _Axis()
        self._fullest = [
            np.stack(
                [train[:, :, b :: after.events_per_clock].sum(axis=2) for b in range(after.events_per_clock)]
            ).max(axis=0)
            for train, after in zip(layers[first:], self._plans[1:], strict=False)
        ]
        self._outputs = layers[-1].sum(axis=2)
        self._timesteps, self._steps = plan.network.timesteps, 0

    @property
    def room(self) -> int:
        return self._stations[0].room

    @property
    def result(self) -> int:
        return self._readout.result

    def step(self, tick: int) -> None:
        """The next step's TICK went into the first of the layers."""
        frame, step = divmod(self._steps, self._timesteps)
        self._steps += 1
        for i, queue in enumerate(self._stations):
            spikes_at = tick + spike_latency(self._plans[i])
            if i < len(self._serialisers):
                fullest = int(self._fullest[i][step, frame])
                load, tick = self._serialisers[i].step(spikes_at, fullest, self._stations[i + 1].room)
                queue.left(load)
            else:
                left = self._axis.step(spikes_at, int(self._outputs[step, frame]))
                queue.left(max(left, self._readout.step(spikes_at, step == self._timesteps - 1)))


class _BeatPort:
    """A port of several words, right before the dense layers."""

    def __init__(self, plan: CorePlan, spikes: np.ndarray, dense: _Dense) -> None:
        self._ingress, self._dense = _Ingress(), dense
        self._beats = beat_counts(spikes, plan.layers[0].events_per_clock)

    def wait(self, clock: int) -> None:
        """Nothing more is offered before `clock`."""
        self._ingress.earliest = clock

    def step(self, step: int, frame: int, spikes: np.ndarray) -> int:
        """Sends a step; returns when its first word was taken."""
        first, tick = self._ingress.step(int(self._beats[step, frame]), self._dense.room)
        self._dense.step(tick)
        return first


class _MapPort:
    """A port before convolutions."""

    def __init__(self, plan: CorePlan, layers: tuple[np.ndarray, ...], dense: _Dense) -> None:
        consumer: Consumer = _PlaceBeats(dense)
        for layer, train in reversed(list(zip(plan.wide_maps, layers, strict=False))):
            consumer = station = MapLayer(layer, train, consumer)
        self._source, self._port = Source(), MapPort(plan, station)

    def wait(self, clock: int) -> None:
        self._source.earliest = clock

    def step(self, step: int, frame: int, spikes: np.ndarray) -> int:
        return self._source.offer(self._port, step_words(spikes))


class _PlaceBeats:
    """Before a dense layer behind a map: events at once, TICKs 3 clocks apart."""

    def __init__(self, dense: _Dense) -> None:
        self._dense, self._tick = dense, _NEVER

    def take(self, offered: int, tick: bool) -> int:
        if not tick:
            return offered
        self._tick = max(offered, self._tick + TICK_SPACING, self._dense.room)
        self._dense.step(self._tick)
        return self._tick


class _Queue:
    """First clock in which a layer's source may send another TICK, as far as its queues go."""

    def __init__(self) -> None:
        self._places = deque([_NEVER] * QUEUE_STEPS, maxlen=QUEUE_STEPS)

    @property
    def room(self) -> int:
        return self._places[0] + 3

    def left(self, clock: int) -> None:
        self._places.append(clock)


class _Ingress:
    """The port's skid buffer and the gate behind it."""

    def __init__(self) -> None:
        self.earliest = 1
        self.taken = self.taken_before = -1
        self.tick = _NEVER

    def step(self, beats: int, room: int) -> tuple[int, int]:
        """One step of `beats` beats, the TICK in the last; returns when the first was offered and taken,
        and when the TICK went into the layer."""
        first = -1
        for i in range(beats):
            entered = max(self.earliest, self.taken_before + 1)
            self.earliest = entered + 1
            first = first if i else entered
            taken = max(entered + 1, self.taken + 1)
            if i == beats - 1:
                taken = self.tick = max(taken, self.tick + TICK_SPACING, room)
            self.taken_before, self.taken = self.taken, taken
        return first, self.tick


class _Serialiser:
    def __init__(self) -> None:
        self.tick = _NEVER

    def step(self, spikes_at: int, fullest: int, room: int) -> tuple[int, int]:
        """Returns when the step was loaded and when its TICK counts as taken by the next layer."""
        load = max(spikes_at, self.tick)
        self.tick = max(load + max(fullest, 2), self.tick + TICK_SPACING, room)
        return load, self.tick


class _Readout:
    def __init__(self, plan: CorePlan) -> None:
        self.plan = plan
        self.taken = self.result = _NEVER

    def step(self, spikes_at: int, last: bool) -> int:
        self.taken = max(spikes_at, self.taken + groups(self.plan))
        if last:
            self.taken = max(self.taken, self.result + 1)
            self.result = self.taken + readout_latency(self.plan)
        return self.taken


class _Axis:
    """The encoder of the output stream: a word per step."""

    def __init__(self) -> None:
        self.emitted = self.entered = -1
        self.sink = Sink()

    def step(self, spikes_at: int, spikes: int) -> int:
        taken = max(spikes_at, self.emitted)
        self.emitted, self.entered = emit_word(
            taken, list(range(spikes)), self.emitted, self.entered, self.sink, end=True
        )
        return taken
