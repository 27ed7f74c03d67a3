"""Live frames: step by step by the host's clock, or events alone where the core makes the steps."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ..hw.link.plan import RECORD_FIRST, RECORD_LAST
from ..numerics.events import TICK
from ..numerics.link import MORE, Op, pack_events
from . import registers
from .channel import Channel
from .info import Answer, answer_of


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


class TimedRun:
    """Events to a core that makes its TICKs itself, and its answers: see Device.by_timer."""

    def __init__(self, channel: Channel, period: int):
        self._channel = channel
        registers.write(channel, "STEP_CLOCKS", period=period)
        registers.write(channel, "STEP_TIMER", run=1, on_event=1, clear=1)
        while not registers.read(channel, "STEP_TIMER")["STEP_TIMER.running"]:
            pass
        self.frames = registers.read(channel, "FRAMES")["FRAMES.frames"]
        self.missed = 0

    def send(self, addresses: np.ndarray) -> None:
        """Events that come at once, in any order; an address counts once."""
        # The TICK has the next addresses counted from 0 again; the core passes it over.
        packed = pack_events(np.append(np.unique(addresses), TICK))
        size = max(1, self._channel.largest // 2)
        for at in range(0, len(packed), size):
            self._channel.request(Op.EVENTS | MORE, packed[at : at + size])

    def answer(self) -> Answer | None:
        """The last frame's, if one has ended since the question before; `missed` counts those in between."""
        found = registers.read(self._channel, RECORD_FIRST, RECORD_LAST)
        new = (found["FRAMES.frames"] - self.frames) % (1 << 32)
        if not new:
            return None
        self.frames = found["FRAMES.frames"]
        self.missed += new - 1
        return answer_of(found)

    def busy(self) -> bool:
        """Whether a frame is in the core."""
        return bool(registers.read(self._channel, "STATUS")["STATUS.busy"])

    def losses(self) -> tuple[int, int]:
        """Events dropped, and steps that lasted a period more."""
        found = registers.read(self._channel, "STEP_LOSSES")
        return found["STEP_LOSSES.dropped"], found["STEP_LOSSES.late"]


def stop_timer(channel: Channel) -> None:
    """A core's step timer off, and the core as after a reset; the link forgets the frame that was begun."""
    registers.write(channel, "STEP_TIMER")
    registers.write(channel, "CONTROL", soft_reset=1)
    channel.reopen()
    # Opening has ended that frame: its silent rest counted, and set a flag.
    registers.write(channel, "CONTROL", soft_reset=1)
