"""What readers of event recordings share."""

from pathlib import Path

import numpy as np

from ....numerics.errors import TwinspikeError
from ....numerics.recordings import EventRecording


def recording(
    path: Path, t: np.ndarray, x: np.ndarray, y: np.ndarray, on: np.ndarray, sides: tuple[int, int] = (0, 0)
) -> EventRecording:
    """The recording of four arrays; `sides` (width, height) where the file says. Raises TwinspikeError."""
    if not len(t):
        raise TwinspikeError(f"{path}: holds no events: expected one at least")
    width, height = (side or int(n.max()) + 1 for side, n in zip(sides, (x, y), strict=True))
    return EventRecording(
        t.astype(np.int64), x.astype(np.int32), y.astype(np.int32), on.astype(bool), width, height
    )


def unwrapped(t: np.ndarray, bits: int) -> np.ndarray:
    """int64 times of a clock of `bits` bits that starts anew: a step back by more than half is a new turn."""
    t = t.astype(np.int64)
    turns = np.concatenate([[0], np.cumsum(np.diff(t) < -(1 << (bits - 1)))])
    return t + (turns << bits)


def records(path: Path, data: bytes, kind: str | np.dtype, start: int = 0) -> np.ndarray:
    """The fixed-size records from byte `start` on; raises TwinspikeError for a part of one at the end."""
    dtype = np.dtype(kind)
    left = (len(data) - start) % dtype.itemsize
    if left:
        raise TwinspikeError(
            f"{path}: ends within an event ({left} of {dtype.itemsize} bytes): the file is cut off, or no "
            "such recording"
        )
    return np.frombuffer(data, dtype, offset=start)
