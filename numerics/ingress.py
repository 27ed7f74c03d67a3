"""What a stream of event words means to a core, sound or not: the one reference for hostile streams.

A word is an integer: bits 15..0 the event word of numerics/events.py, bit 16 `last`. Whatever
comes, the core sees frames of exactly T steps:

    address_range  an address beyond the inputs is dropped
    early_last     `last` anywhere but on the T-th TICK ends the frame: its missing TICKs are supplied,
                   silent steps; if it came with an address, that address counts first
    missing_last   a T-th TICK without `last` ends the frame all the same
    duplicate      an address that came before in the same step adds its weight once more

Each sets its sticky bit, in this order from bit 0. Low bits of a TICK mean nothing. With `values`, as the
graded encoder sends them, a VALUE word says how often each address behind it counts until the next TICK,
`most` times at most; a core without them takes it for a TICK.
"""

from collections.abc import Iterable

import numpy as np

from .events import TICK
from .values import MOST, VALUE

LAST = 1 << 16
ADDRESS_RANGE, EARLY_LAST, MISSING_LAST, DUPLICATE = 1, 2, 4, 8


def sound_events(
    words: Iterable[int], timesteps: int, inputs: int, *, values: bool = False
) -> tuple[list[tuple[int | None, bool]], list[int]]:
    """The events behind the checks and the flags of each frame (the last entry: of an unfinished one).

    An event is (address, False), or (None, whether it ends the frame) for a TICK.
    """
    events, flags = counted_events(words, timesteps, inputs, values=values)
    return [(address, last) for address, last, _ in events], flags


def counted_events(
    words: Iterable[int], timesteps: int, inputs: int, *, values: bool = False, most: int = MOST
) -> tuple[list[tuple[int | None, bool, int]], list[int]]:
    """As :func:`sound_events`, each event with how often it counts."""
    events: list[tuple[int | None, bool, int]] = []
    flags, step, times = [0], 0, 1
    seen: set[int] = set()

    def tick():
        nonlocal step, times
        step, times = (step + 1) % timesteps, 1
        seen.clear()
        events.append((None, step == 0, 1))

    for word in words:
        last, is_tick, address = bool(word & LAST), bool(word & TICK), word & 0x7FFF
        is_value = values and word & VALUE == VALUE
        is_tick = is_tick and not is_value
        if is_tick and step == timesteps - 1:
            flags[-1] |= 0 if last else MISSING_LAST
            tick()
            flags.append(0)
            continue
        if is_tick:
            tick()
        elif is_value:
            times = min(word & MOST, most)
        elif address < inputs:
            flags[-1] |= DUPLICATE if address in seen else 0
            seen.add(address)
            events.append((address, False, times))
        else:
            flags[-1] |= ADDRESS_RANGE
        if last:
            flags[-1] |= EARLY_LAST
            tick()
            while step:
                tick()
            flags.append(0)
    return events, flags


def sanitise(
    words: Iterable[int], timesteps: int, inputs: int, *, values: bool = False, most: int = MOST
) -> tuple[np.ndarray, np.ndarray]:
    """The whole frames that `words` mean: (counts int64 [T, B, inputs], flags int64 [B]).

    A count says how often an input's weight is added in a step: 0 or 1, more for duplicates and
    behind VALUE words.
    """
    events, flags = counted_events(words, timesteps, inputs, values=values, most=most)
    steps = sum(address is None for address, _, _ in events)
    counts = np.zeros((-(-(steps + 1) // timesteps) * timesteps, inputs), dtype=np.int64)
    step = 0
    for address, _, times in events:
        if address is None:
            step += 1
        else:
            counts[step, address] += times
    frames = steps // timesteps
    by_frame = counts[: frames * timesteps].reshape(frames, timesteps, inputs).transpose(1, 0, 2)
    return by_frame, np.array(flags[:frames], dtype=np.int64)
