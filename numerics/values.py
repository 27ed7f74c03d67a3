"""Event words of a frame whose inputs spike several times a step: VALUE words of the graded encoder.

bits 15..14 = 11: VALUE, the addresses that follow in this step spike m times each, m in bits 3..0.
After each TICK m is 1. A core without the graded encoder would take a VALUE for a TICK.
"""

import numpy as np

from .errors import TwinspikeError, out_of_range
from .events import TICK, frame_spikes, frame_words

VALUE = 0xC000
MOST = 15  # what four bits hold


def value_words(spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One frame [T, N] of integers 0..15 -> (uint16 words, bool last), m ascending in a step.

    Raises TwinspikeError for a larger multiplicity, and if N addresses do not fit 15 bits.
    """
    if spikes.max(initial=0) > MOST:
        raise out_of_range("spikes of an input in a step", int(spikes.max()), f"at most {MOST}")
    words: list[np.ndarray] = []
    for step in spikes:
        for m in np.unique(step[step > 0]):
            plain, _ = frame_words(step[None] == m)
            words += [plain[:-1]] if m == 1 else [np.array([VALUE | int(m)], np.uint16), plain[:-1]]
        words.append(np.array([TICK], np.uint16))
    found = np.concatenate(words)
    last = np.zeros(len(found), dtype=bool)
    last[-1] = True
    return found, last


def value_spikes(words: np.ndarray, timesteps: int, inputs: int) -> np.ndarray:
    """The inverse of :func:`value_words`: words of one whole frame -> uint8 [T, N].

    Raises TwinspikeError as :func:`frame_spikes` does, and for a VALUE of 0.
    """
    words = np.asarray(words, dtype=np.int64)
    given = words >= VALUE
    if (given & (words & MOST == 0)).any():
        raise TwinspikeError("a VALUE word says that inputs spike 0 times: expected 1 to 15")
    plain = words[~given]
    spikes = frame_spikes(plain, timesteps, inputs).astype(np.uint8)
    m, step = 1, 0
    for word in words.tolist():
        if word >= VALUE:
            m = word & MOST
        elif word >= TICK:
            m, step = 1, step + 1
        else:
            spikes[step, word] = m
    return spikes
