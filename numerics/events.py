"""Address-event words: 16 bits, in time order.

bit 15 = 0: bits 14..0 are the address of an input that spikes in the current step.
bit 15 = 1: TICK, the current step ends; the T-th TICK of a frame carries ``last``.
"""

import numpy as np

from .errors import TwinspikeError, out_of_range

TICK = 0x8000
MAX_ADDRESS = 0x7FFF


def frame_words(spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One frame [T, N] (bool) -> (uint16 words, bool last), addresses ascending inside a step.

    Raises TwinspikeError if N addresses do not fit 15 bits.
    """
    timesteps, addresses = spikes.shape
    if addresses > MAX_ADDRESS + 1:
        raise out_of_range("addresses of a frame", addresses, f"at most {MAX_ADDRESS + 1}")
    step, address = np.nonzero(spikes)
    words = np.concatenate([address, np.full(timesteps, TICK)]).astype(np.uint16)
    # A TICK sorts after every address of its step: order by (step, is-tick), stable.
    order = np.lexsort((words, np.concatenate([step, np.arange(timesteps)])))
    words = words[order]
    last = np.zeros(len(words), dtype=bool)
    last[-1] = True
    return words, last


def beat_counts(spikes: np.ndarray, banks: int) -> np.ndarray:
    """Beats of each step, int64 [...], for spikes bool [..., N]: the fullest bank's events, and a TICK."""
    shares = np.stack([spikes[..., b::banks].sum(axis=-1) for b in range(banks)])
    # The TICK takes a place that the step's last beat leaves free; where all are taken, a beat more.
    return shares.max(axis=0) + (shares.min(axis=0) == shares.max(axis=0))


def frame_beats(spikes: np.ndarray, banks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One frame [T, N] -> (uint16 words [B, E], bool keep [B, E], bool last [B]) for a port of E words.

    Place b carries the addresses a with a mod E = b, ascending; the TICK stands in the first place that
    is free in the step's last beat. Raises TwinspikeError if N addresses do not fit 15 bits.
    """
    addresses = spikes.shape[1]
    if addresses > MAX_ADDRESS + 1:
        raise out_of_range("addresses of a frame", addresses, f"at most {MAX_ADDRESS + 1}")
    counts = beat_counts(spikes, banks)
    words = np.zeros((counts.sum(), banks), dtype=np.uint16)
    keep = np.zeros(words.shape, dtype=bool)
    end = 0
    for step, beats in enumerate(counts):
        start, end = end, end + beats
        for bank in range(banks):
            own = np.flatnonzero(spikes[step, bank::banks]) * banks + bank
            words[start : start + len(own), bank] = own
            keep[start : start + len(own), bank] = True
        place = int(np.argmin(keep[end - 1]))
        words[end - 1, place], keep[end - 1, place] = TICK, True
    last = np.zeros(len(words), dtype=bool)
    last[-1] = True
    return words, keep, last


def frame_spikes(words: np.ndarray, timesteps: int, inputs: int) -> np.ndarray:
    """The inverse of :func:`frame_words`: words of one whole frame -> bool [T, N].

    Raises TwinspikeError for a frame that is not exactly `timesteps` ticks long, and for an address
    that is out of range or occurs twice in a step.
    """
    words = np.asarray(words, dtype=np.int64)
    tick = words >= TICK
    if tick.sum() != timesteps or not tick[-1]:
        raise TwinspikeError(
            f"a frame of {timesteps} steps ends with its TICK {timesteps}, found {tick.sum()}"
        )
    if words[~tick].max(initial=0) >= inputs:
        raise out_of_range("event address", int(words[~tick].max()), f"an integer in 0..{inputs - 1}")
    step: np.ndarray = np.cumsum(tick) - tick
    spikes = np.zeros((timesteps, inputs), dtype=bool)
    spikes[step[~tick], words[~tick]] = True
    if spikes.sum() != (~tick).sum():
        raise TwinspikeError("an address occurs twice in one step of the frame")
    return spikes
