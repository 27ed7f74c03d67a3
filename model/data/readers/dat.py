"""Prophesee's DAT files: a text header, then 8 bytes an event.

Source: Prophesee, "DAT file format": lines that begin with %, one byte for the event type (0 or 12 are
changes of brightness) and one for an event's size, then little-endian words: microseconds in 32 bits, and x
(14 bits), y (14 bits), polarity (4 bits).
"""

from pathlib import Path

import numpy as np

from ....numerics.errors import TwinspikeError, out_of_range
from ....numerics.recordings import EventRecording
from .events import recording, records, unwrapped

_TYPES, _SIZE = (0, 12), 8


def read_dat(path: Path, data: bytes) -> EventRecording:
    """A recording of a DAT file; the sensor's sides are of its header, where it names them."""
    at, sides = 0, {"Width": 0, "Height": 0}
    while data[at : at + 1] == b"%":
        end = data.find(b"\n", at)
        if end < 0:
            raise TwinspikeError(f"{path}: its header does not end: the file is cut off or no DAT file")
        words = data[at + 1 : end].decode("latin-1").split()
        if len(words) == 2 and words[0] in sides and words[1].isdecimal():
            sides[words[0]] = int(words[1])
        at = end + 1
    if not at or len(data) < at + 2:
        raise TwinspikeError(f"{path}: is no DAT file: expected a header of lines that begin with %")
    kind, size = data[at], data[at + 1]
    if kind not in _TYPES or size != _SIZE:
        raise out_of_range(f"{path}: event type and size", f"{kind}, {size}", "0 or 12, of 8 bytes")
    found = records(path, data, np.dtype([("t", "<u4"), ("place", "<u4")]), at + 2)
    place = found["place"]
    x, y, on = place & 0x3FFF, place >> 14 & 0x3FFF, place >> 28 & 1
    return recording(path, unwrapped(found["t"], 32), x, y, on, (sides["Width"], sides["Height"]))
