"""Bare words of Prophesee's EVT 2, without a header, as microcontrollers store them.

Source: Prophesee, "EVT 2.0 format", 32-bit words, little end first: bits 31..28 type (0 darker, 1 brighter,
8 the time's high part), 27..22 the time's low 6 bits, 21..11 x, 10..0 y; a word of type 8 has bits 33..6 of
the time in its low 28 bits.
"""

from pathlib import Path

import numpy as np

from ....numerics.errors import TwinspikeError
from ....numerics.recordings import EventRecording
from .events import recording, records, unwrapped

_TIME_HIGH, _TRIGGER, _OTHERS, _CONTINUED = 8, 10, 14, 15


def read_evt2_words(path: Path, data: bytes) -> EventRecording:
    """A recording of EVT 2 words alone; raises TwinspikeError for words that are none."""
    words = records(path, data, "<u4")
    kind = words >> 28
    sound = (kind <= 1) | np.isin(kind, (_TIME_HIGH, _TRIGGER, _OTHERS, _CONTINUED))
    if not sound.all():
        at = int(np.argmin(sound))
        raise TwinspikeError(
            f"{path}: word {at} is {int(words[at]):#010x}: no word of EVT 2 has type {kind[at]}"
        )
    is_high = kind == _TIME_HIGH
    latest = np.cumsum(is_high)  # how many time words came before
    highs = unwrapped(words[is_high] & 0x0FFF_FFFF, 28)
    seen = (kind <= 1) & (latest > 0)
    events, latest = words[seen], latest[seen]
    t = (highs[latest - 1] << 6 | (events >> 22 & 0x3F)) if len(highs) else np.zeros(0, np.int64)
    return recording(path, t, events >> 11 & 0x7FF, events & 0x7FF, events >> 28)
