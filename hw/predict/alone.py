"""Clocks that a layer of a serial core needs by itself: what the cycle contract says of it alone."""

from collections.abc import Callable

import numpy as np

from ...numerics.values import step_words
from ..plan import CorePlan
from .kinds import RELAYS, STATIONS
from .serial_cycles import Source
from .stations import Sink


def clocks_alone(
    plan: CorePlan, index: int, spikes: np.ndarray, layers: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Clocks for which each frame occupies layer `index` of `plan.layers`, int64 [B], from TICK to TICK.

    The layer, with the pools that events pass before it, is offered its events without pause, one frame after
    the other, the last one ahead of the first, and whoever is behind it takes its spikes at once. So waits
    for state words and for room in its queue are counted, and what other layers make it wait for is not: a
    core that nothing stalls from outside takes a frame in about the clocks of its slowest layer. `spikes` and
    `layers` are as frame_times has them; the events of a step come in ascending order.
    """
    one = plan.layers[index]
    station = STATIONS[one.layer.kind](one, 0)
    entry: Sink = station
    for relay in reversed(plan.before(index)):
        made: Callable[..., Sink] = RELAYS[relay.layer.kind]
        entry = made(relay, entry, 0)
    trains = plan.trains(layers)
    arriving = trains[index - 1] if index else spikes
    # The addresses that the layer before sends, or those into which a flat address is divided at the input.
    places = plan.layers[index - 1].sent if index else _input_places(plan)
    source, ends = Source(), []
    # The last frame goes ahead of the first, so that no frame finds the layer as after reset.
    for frame in [spikes.shape[1] - 1, *range(spikes.shape[1])]:
        for step in range(plan.network.timesteps):
            counts = arriving[step, frame]
            sent = np.where(places < 0, 0, counts[places.clip(0)])
            source.offer(entry, step_words(sent.astype(np.int64)))
            station.places.append(station.emit(trains[index][step, frame], Sink()))
        ends.append(station.start)
    return np.diff(ends)


def _input_places(plan: CorePlan) -> np.ndarray:
    """Which input each address that arrives at the first layer, or the pool before it, means."""
    relays = plan.before(0)
    if relays:
        return relays[0].before.sent
    arrivals = plan.layers[0].arrivals
    return np.arange(plan.network.inputs) if arrivals is None else arrivals
