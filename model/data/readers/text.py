"""Events as text, one a line: time, x, y, polarity, as the Event Camera Dataset has them.

Source: Mueggler et al., "The Event-Camera Dataset and Simulator", IJRR 36 (2017), file events.txt: seconds,
x, y, polarity 0 or 1. Times without a decimal point are taken as microseconds.
"""

import io
from pathlib import Path

import numpy as np

from ....numerics.errors import TwinspikeError
from ....numerics.recordings import EventRecording
from .events import recording

# Beyond them a number is no time in whole microseconds, and no pixel of a sensor.
MOST_MICROSECONDS = 1 << 52
MOST_PIXELS = (1 << 16) - 1


def read_text(path: Path, data: bytes) -> EventRecording:
    """A recording of lines `t x y p`, separated by spaces or commas; lines that begin with # do not count."""
    try:
        text = data.decode("ascii").replace(",", " ")
        if not text.strip():
            raise TwinspikeError(f"{path}: holds no events: expected one at least")
        table = np.loadtxt(io.StringIO(text), ndmin=2, comments="#")
    except (UnicodeDecodeError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise TwinspikeError(f"{path}: is no table of events, lines of t x y p ({said})") from None
    if table.size and table.shape[1] != 4:
        raise TwinspikeError(f"{path}: has {table.shape[1]} columns: expected four, t x y p")
    if table.size and (not np.isfinite(table).all() or (table[:, 1:] < 0).any()):
        raise TwinspikeError(f"{path}: holds a negative or infinite coordinate: expected t x y p, p 0 or 1")
    first = next((line for line in text.splitlines() if line.strip() and line[0] != "#"), "")
    seconds = "." in (first.split() or [""])[0]
    table = table.reshape(-1, 4)
    t = np.round(table[:, 0] * (1_000_000 if seconds else 1))
    if (np.abs(t) > MOST_MICROSECONDS).any() or (table[:, 1:3] > MOST_PIXELS).any():
        raise TwinspikeError(
            f"{path}: holds a time beyond {MOST_MICROSECONDS} microseconds, or a coordinate beyond "
            f"{MOST_PIXELS}: expected t x y p of a sensor"
        )
    return recording(path, t, table[:, 1], table[:, 2], table[:, 3] > 0)
