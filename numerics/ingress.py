"""What a stream of event words means to a core, sound or not: the one reference for hostile streams.

A word is an integer: bits 15..0 the event word of numerics/events.py, bit 16 `last`. Whatever
comes, the core sees frames of exactly T steps:

    address_range  an address beyond the inputs is dropped
    early_last     `last` anywhere but on the T-th TICK ends the frame: its missing TICKs are supplied,
                   silent steps; if it came with an address, that address counts first
    missing_last   a T-th TICK without `last` ends the frame all the same
    duplicate      an address that came before in the same step adds its weight once more

Each sets its sticky bit, in this order from bit 0. Low bits of a TICK mean nothing.
"""

from collections.abc import Iterable

import numpy as np

from .events import TICK

LAST = 1 << 16
ADDRESS_RANGE, EARLY_LAST, MISSING_LAST, DUPLICATE = 1, 2, 4, 8


def sound_events(
    words: Iterable[int], timesteps: int, inputs: int
) -> tuple[list[tuple[int | None, bool]], list[int]]:
    """The events behind the checks and the flags of each frame (the last entry: of an unfinished one).

    An event is (address, False), or (None, whether it ends the frame) for a TICK.
    """
    events: list[tuple[int | None, bool]] = []
    flags, step = [0], 0
    seen: set[int] = set()

    def tick():
        nonlocal step
        step = (step + 1) % timesteps
        seen.clear()
        events.append((None, step == 0))

    for word in words:
        last, is_tick, address = bool(word & LAST), bool(word & TICK), word & 0x7FFF
        if is_tick and step == timesteps - 1:
            flags[-1] |= 0 if last else MISSING_LAST
            tick()
            flags.append(0)
            continue
        if is_tick:
            tick()
        elif address < inputs:
            flags[-1] |= DUPLICATE if address in seen else 0
            seen.add(address)
            events.append((address, False))
        else:
            flags[-1] |= ADDRESS_RANGE
        if last:
            flags[-1] |= EARLY_LAST
            tick()
            while step:
                tick()
            flags.append(0)
    return events, flags


def sanitise(words: Iterable[int], timesteps: int, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """The whole frames that `words` mean: (counts int64 [T, B, inputs], flags int64 [B]).

    A count says how often an input's weight is added in a step: 0 or 1, more for duplicates.
    """
    events, flags = sound_events(words, timesteps, inputs)
    steps = sum(address is None for address, _ in events)
    counts = np.zeros((-(-(steps + 1) // timesteps) * timesteps, inputs), dtype=np.int64)
    step = 0
    for address, _ in events:
        if address is None:
            step += 1
        else:
            counts[step, address] += 1
    frames = steps // timesteps
    by_frame = counts[: frames * timesteps].reshape(frames, timesteps, inputs).transpose(1, 0, 2)
    return by_frame, np.array(flags[:frames], dtype=np.int64)
