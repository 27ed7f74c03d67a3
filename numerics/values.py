"""Event words of a frame whose inputs spike several times a step: VALUE words of the graded encoder.

bits 15..14 = 11: VALUE, the addresses that follow in this step spike m times each, m in bits 3..0.
After each TICK m is 1. A core without the graded encoder would take a VALUE for a TICK.
"""

import numpy as np

from .errors import TwinspikeError, out_of_range
from .events import MAX_ADDRESS, TICK, frame_spikes

VALUE = 0xC000
MOST = 15  # what four bits hold


def value_words(spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One frame [T, N] of integers 0..15 -> (uint16 words, bool last), m ascending in a step.

    Raises TwinspikeError for a larger multiplicity, and if N addresses do not fit 15 bits.
    """
    if spikes.max(initial=0) > MOST:
        raise out_of_range("spikes of an input in a step", int(spikes.max()), f"at most {MOST}")
    if spikes.shape[1] > MAX_ADDRESS + 1:
        raise out_of_range("addresses of a frame", spikes.shape[1], f"at most {MAX_ADDRESS + 1}")
    found = np.array([word for step in spikes for word in [*step_words(step), TICK]], np.uint16)
    last = np.zeros(len(found), dtype=bool)
    last[-1] = True
    return found, last


def step_words(step: np.ndarray) -> list[int]:
    """One step [N] of integers 0..15 -> its words but the TICK: m ascending, a VALUE before each m > 1."""
    words: list[int] = []
    for m in np.unique(step[step > 0]).tolist():
        words += [VALUE | int(m)] if m > 1 else []
        words += np.flatnonzero(step == m).tolist()
    return words


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
