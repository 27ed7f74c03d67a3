"""AEDAT 2, the format of jAER: a header of text lines, then 8 bytes a record.

Source: iniVation, "AEDAT file formats", version 2.0: lines that begin with #, then big-endian pairs of a
32-bit address and a 32-bit time in microseconds. DAVIS addresses: bit 31 marks what is no event of a change
of brightness (frames, IMU), bit 10 of the others marks external events; y is bits 30..22, x bits 21..12,
polarity bit 11. DVS128 addresses: y bits 14..8, x bits 7..1, polarity bit 0 (0 is brighter). x counts from
the right in both.
"""

from pathlib import Path

import numpy as np

from ....numerics.errors import TwinspikeError
from ....numerics.recordings import EventRecording
from .events import recording, records, unwrapped

_DAVIS_SIDES = {"240": (240, 180), "346": (346, 260), "640": (640, 480), "128": (128, 128)}


def read_aedat2(path: Path, data: bytes) -> EventRecording:
    """The changes of brightness of an AEDAT 2 file; frames and the IMU's records are left out."""
    header, start = _header(path, data)
    found = records(path, data, np.dtype([("address", ">u4"), ("t", ">u4")]), start)
    address, t = found["address"].astype(np.int64), unwrapped(found["t"], 32)
    if "DVS128" in header:
        x, y, on = 127 - (address >> 1 & 0x7F), address >> 8 & 0x7F, 1 - (address & 1)
        return recording(path, t, x, y, on, (128, 128))
    polarity = (address >> 31 == 0) & (address >> 10 & 1 == 0)
    address, t = address[polarity], t[polarity]
    y, x, on = address >> 22 & 0x1FF, address >> 12 & 0x3FF, address >> 11 & 1
    sides = next((sides for chip, sides in _DAVIS_SIDES.items() if f"DAVIS{chip}" in header.upper()), None)
    width, height = sides or ((int(x.max()) + 1, int(y.max()) + 1) if len(x) else (0, 0))
    return recording(path, t, width - 1 - x, height - 1 - y, on, (width, height))


def _header(path: Path, data: bytes) -> tuple[str, int]:
    """The header's text and the byte behind it."""
    at = 0
    while data[at : at + 1] == b"#":
        end = data.find(b"\n", at)
        if end < 0:
            raise TwinspikeError(f"{path}: its header does not end: the file is cut off")
        at = end + 1
    return data[:at].decode("latin-1"), at
