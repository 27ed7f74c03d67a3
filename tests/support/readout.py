"""Frames for a readout, and the records that they must give."""

import numpy as np
from support.networks import random_network

from twinspike.hw.plan import make_plan
from twinspike.hw.readout.result import RESULT
from twinspike.numerics import emd
from twinspike.sim.golden import classify


def plan_of(seed, timesteps, neurons, lanes, classes, **changes):
    network = random_network(seed, timesteps=timesteps, widths=(neurons,), classes=classes)
    fields = {name: getattr(network, name) for name in network.__dataclass_fields__}
    return make_plan(type(network)(**(fields | changes)), (lanes,))


def events_of(trains):
    """Spikes [frames, T, N] as the last layer's encoder hands them over."""
    events, timesteps = [], trains.shape[1]
    for frame in trains:
        for t, step in enumerate(frame):
            events += [{"address": int(n), "tick": 0, "last": 0} for n in np.flatnonzero(step)]
            events.append({"address": 0, "tick": 1, "last": t == timesteps - 1})
    return events


def fields_of(record):
    return tuple(
        record >> RESULT[name].offset & (1 << RESULT[name].width) - 1
        for name in ("label", "distance", "runner_up", "same", "own")
    )


def expected(plan, trains):
    results = classify(plan.network, emd.cumulative_counts(trains.transpose(1, 0, 2)))
    return [
        tuple(
            int(getattr(results, name)[frame]) for name in ("label", "distance", "runner_up", "same", "own")
        )
        for frame in range(len(results.label))
    ]
