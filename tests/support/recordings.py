"""Recordings of events as files, five bytes an event, and networks that take them."""

import dataclasses

import numpy as np
from support.networks import random_network

from twinspike.numerics.encodings import Events
from twinspike.numerics.recordings import EventRecording

STEP = 2000
ENCODING = Events(step=STEP, height=6, width=6)


def events_network(seed=3, *, timesteps=4, encoding=ENCODING, names=()):
    """A random network for recordings of a sensor of 6 x 6 pixels."""
    plain = random_network(seed, timesteps=timesteps, shape=(72,), widths=(24, 8), classes=3)
    provenance = {"class_names": list(names)} if names else {}
    shape = (timesteps, 6, 6, 2)
    return dataclasses.replace(plain, encoder=encoding, shape=shape, provenance=provenance)


def random_recording(seed, events=300, duration=50_000):
    """Events at random places and times, in order."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, duration, events)).astype(np.int64) + 1000
    x, y = (rng.integers(0, 6, events).astype(np.int32) for _ in range(2))
    return EventRecording(t, x, y, rng.random(events) < 0.5, 34, 34)


def five_bytes(recording):
    """The bytes of a .bs2 file."""
    rows = [
        (x, y, int(on) << 7 | int(t) >> 16, int(t) >> 8 & 255, int(t) & 255)
        for t, x, y, on in zip(recording.t, recording.x, recording.y, recording.on, strict=True)
    ]
    return np.array(rows, np.uint8).tobytes()
