"""Five bytes an event: N-MNIST's own files (.bin, .bs2), and SLAYER's of one dimension (.bs1).

Source: Orchard, Jayawant, Cohen, Thakor, "Converting static image datasets to spiking neuromorphic datasets
using saccades", Front. Neurosci. 9 (2015), and the README of their files: 40 bits, big end first, x 8 bits,
y 8 bits, polarity 1 bit, microseconds 23 bits. SLAYER: Shrestha, Orchard (NeurIPS 2018), the neuron's number
in 16 bits for x and y.
"""

from pathlib import Path

import numpy as np

from ....numerics.recordings import EventRecording
from .events import recording, records, unwrapped

# The clock starts anew every 8.4 s; N-MNIST marks that with an event at this y, which no sensor has.
_OVERFLOW_Y = 240
_SIDE = 34


def read_five_bytes(path: Path, data: bytes) -> EventRecording:
    """A recording of N-MNIST (34 x 34) or another of the same form; polarity 1 is brighter."""
    raw = records(path, data, np.dtype((np.uint8, 5))).reshape(-1, 5).astype(np.int64)
    t = unwrapped((raw[:, 2] & 0x7F) << 16 | raw[:, 3] << 8 | raw[:, 4], 23)
    x, y, on = raw[:, 0], raw[:, 1], raw[:, 2] >> 7
    real = y != _OVERFLOW_Y
    x, y, on, t = x[real], y[real], on[real], t[real]
    small = len(x) > 0 and x.max() < _SIDE and y.max() < _SIDE
    return recording(path, t, x, y, on, (_SIDE, _SIDE) if small else (0, 0))


def read_five_bytes_1d(path: Path, data: bytes) -> EventRecording:
    """A row of neurons: x is the neuron, y 0; polarity as it is."""
    raw = records(path, data, np.dtype((np.uint8, 5))).reshape(-1, 5).astype(np.int64)
    t = unwrapped((raw[:, 2] & 0x7F) << 16 | raw[:, 3] << 8 | raw[:, 4], 23)
    x = raw[:, 0] << 8 | raw[:, 1]
    return recording(path, t, x, np.zeros_like(x), raw[:, 2] >> 7)
