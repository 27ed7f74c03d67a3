"""When everything happens in a core that nothing stalls from outside: the cycle contract, exactly.

The core is a line of stations that serve items in order. An item enters a station once it has
arrived, the one before has left it and there is room behind it; so times follow from a recurrence
of maxima and sums (max-plus), evaluated here for real spikes. Simulation must agree frame by frame.

All times are clocks since reset, or since `weights_loaded` rose where weights are loaded, a word per
clock. For the i-th event or TICK of a layer, C(i) = what its plan says (dense, W = ceil(N / P): an event
max(W, 3); a TICK W, but max(W + 2, 5) where W < 5):

    start(i) = max(start(i-1) + C(i-1), taken(i) + 2, for a TICK: place(two TICKs before) + 3)
    taken(i) = max(entered(i) + 1, taken(i-1) + 1, start(i-1))     entered: into the skid buffer
    spikes of word w, sweep begun at start: in the queue at start + w + 6, readable 2 clocks later
    a VALUE word at the input takes its place in the skid buffer for a clock, and is no event
    a layer of another kind has its own clocks: see hw/predict/conv_cycles.py; a map's flat addresses take
             some to be divided into bit fields: see hw/predict/split.py; delays: see
             hw/predict/delay_cycles.py; what stands in front of a layer with several sources: see
             hw/predict/paths.py
    encoder: takes a word when the one before is done, then emits one event per clock, TICK last
    place(TICK): when a step's last word left the queue
    readout of N neurons: takes one event per clock, after a frame's last TICK from max(N + 1, K + 6) clocks;
             the result comes K + 7 clocks after that TICK
    with K slots: from N + 2 clocks after a TICK was taken; after a frame's last TICK from N + K + 7 + L
             clocks, label and threshold having L pieces; the result comes K + 7 + L clocks after that TICK
    count readout: takes one event per clock, after a frame's last TICK from max(N + 1, 3) clocks; the
             result comes 2 clocks after that TICK
    membrane readout: takes a word of the last layer's queue every 3 clocks, a step's first one 4 clocks after
             the last one before, a frame's first one N + 2 W + 6 clocks; the result comes N + 2 W + 5 clocks
             after the frame's last word was taken
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...numerics.values import step_words
from ..plan import CorePlan
from ..plan.relay import RelayPlan
from .kinds import RELAYS, STATIONS
from .paths import connected
from .serial_cycles import CountReadout, MembraneReadout, Readout, SlotReadout, Source
from .split import Split
from .stations import Sink

READOUTS: dict[str, Any] = {"emd": Readout, "counts": CountReadout, "membrane": MembraneReadout}


def frame_times(
    plan: CorePlan, spikes: np.ndarray, layers: tuple[np.ndarray, ...], *, isolate: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Clock of each frame's first word taken and of its result, int64 [B] each, counted from reset.

    `spikes` are the input spikes [T, B, inputs], bool or multiplicities, `layers` every layer's, as the
    golden model gives them. Words are offered without pause from clock 1 on; with `isolate` a frame's
    first word is offered 2 clocks after the previous frame's result. Outputs are always ready.
    """
    if plan.wide:
        from .wide_cycles import wide_frame_times

        return wide_frame_times(plan, spikes, layers, isolate=isolate)
    source = Source()
    # The quiet sweep after reset starts in clock 0; an image of n words is loaded 2 n + 3 clocks later.
    reset = -(2 * plan.image_words + 3) if plan.image_words else 0
    stations = [STATIONS[layer.layer.kind](layer, reset) for layer in plan.layers]
    layers = plan.trains(layers)
    readout = (SlotReadout if plan.slots else READOUTS[plan.network.readout])(plan, reset)

    def relay(passed: RelayPlan, consumer: Sink) -> Sink:
        made: Callable[..., Sink] = RELAYS[passed.layer.kind]
        return made(passed, consumer, reset)

    entry, consumers = connected(plan, list(stations), readout, relay, reset)
    entry = Split(plan.split, entry) if plan.split else entry
    started: list[int] = []
    finished: list[int] = []
    for frame in range(spikes.shape[1]):
        if isolate and finished:
            source.earliest = finished[-1] + 2
        for step in range(plan.network.timesteps):
            first = source.offer(entry, step_words(spikes[step, frame]))
            if step == 0:
                started.append(first)
            for i, station in enumerate(stations):
                consumer = consumers[i]
                if isinstance(consumer, MembraneReadout):
                    station.places.append(consumer.gather([station.swept(word) for word in station.order]))
                    continue
                station.places.append(station.emit(layers[i][step, frame], consumer))
        finished.append(readout.end_frame())
    return np.array(started, dtype=np.int64), np.array(finished, dtype=np.int64)
