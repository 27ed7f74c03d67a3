"""Frames step by step, at the pace of a clock: the host makes the TICKs."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ..numerics.events import TICK
from ..numerics.link import MORE, Op, pack_events
from .channel import Channel


def step_requests(
    channel: Channel, frames: Iterable[np.ndarray], due: Callable[[int], float], clock: Callable[[], float]
) -> Iterator[tuple[int, bytes] | None]:
    """Requests for frames of spikes bool [T, N]: one for each step when `due`, None as long as it is not.

    Where the host is behind, steps follow each other without a pause: none is left out.
    """
    size = max(1, channel.largest // 2)
    number = 0
    for frame in frames:
        for step, spikes in enumerate(frame):
            words = np.append(np.flatnonzero(spikes), TICK)
            packed = pack_events(words)
            while clock() < due(number):
                yield None
            number += 1
            ends = step == len(frame) - 1
            for at in range(0, len(packed), size):
                goes_on = not ends or at + size < len(packed)
                yield Op.EVENTS | (MORE if goes_on else 0), packed[at : at + size]
