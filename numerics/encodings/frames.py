"""Recordings longer than a frame: one frame after the other, as a live source gives them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..errors import TwinspikeError, out_of_range
from ..recordings import EventRecording, Flow, Recording, Sound
from .base import Encoding
from .events import Events
from .mel import Mel
from .packets import Packets
from .timed import Timed

# At the least of a frame's lengths, hours: a recording with more has a broken clock.
MOST_FRAMES = 1_000_000


class LiveFrame(NamedTuple):
    """A frame of a recording: microseconds from the recording's beginning to its own, spikes bool [T, N].

    `lasts`: microseconds of it that the recording goes on, fewer than its T steps in the last one.
    """

    start: int
    spikes: np.ndarray
    lasts: int


def step_microseconds(encoding: Encoding) -> int:
    """How long a time step of a live source is; raises TwinspikeError for what has no time in it."""
    timed = (
        isinstance(encoding, Events)
        or (isinstance(encoding, Mel) and encoding.coding == "crossings" and encoding.align != "stretch")
        or (isinstance(encoding, Packets) and not encoding.skip_empty)
    )
    if timed and isinstance(encoding, (Events, Mel, Packets)):
        return encoding.step
    raise TwinspikeError(
        f"encoder.kind = {encoding.kind!r}: its frames have no steps of a length in time, so nothing can be "
        'streamed: choose events, mel with coding = "crossings" and no stretching, or packets without '
        "skip_empty"
    )


def live_frames(encoding: Encoding, recording: Recording, timesteps: int) -> Iterator[LiveFrame]:
    """The consecutive frames of a recording, T steps each, from its first event, sample or packet on.

    Events: the clock of the first frame goes on, so that nothing between two frames is lost; the first
    frame is the one that the encoding makes of the recording, `skip` included. Sounds and flows are cut
    where a frame ends, and each piece is encoded as a recording of its own. Raises TwinspikeError for
    encodings without steps in time, and for a recording of more than MOST_FRAMES frames.
    """
    length = step_microseconds(encoding) * timesteps
    frames = recording.duration // length + 1
    if frames > MOST_FRAMES:
        raise out_of_range(
            "recording's duration", f"{recording.duration} microseconds", f"at most {MOST_FRAMES} frames"
        )
    if isinstance(encoding, Events) and isinstance(recording, EventRecording):
        return _events(encoding, recording, timesteps)
    if isinstance(encoding, Timed):
        return _pieces(encoding, recording, timesteps, length, frames)
    raise TypeError(f"{type(encoding).__name__} is no encoding of recordings")


def _events(encoding: Events, recording: EventRecording, timesteps: int) -> Iterator[LiveFrame]:
    height, width = encoding.sides
    t, address = encoding.places(recording)
    step = (t - encoding.skip) // encoding.step
    order = np.argsort(step, kind="stable")
    step, address = step[order], address[order]
    length, last = encoding.step * timesteps, (recording.duration - encoding.skip) // encoding.step
    for first in range(0, max(int(last), 0) + 1, timesteps):
        own = slice(*np.searchsorted(step, (first, first + timesteps)))
        spikes = np.zeros((timesteps, height * width * encoding.channels), bool)
        spikes[step[own] - first, address[own]] = True
        start = encoding.skip + first * encoding.step
        yield LiveFrame(start, spikes, _lasts(recording, start, length))


def _pieces(
    encoding: Timed, recording: Recording, timesteps: int, length: int, frames: int
) -> Iterator[LiveFrame]:
    silent: np.ndarray | None = None
    for start in range(0, frames * length, length):
        piece = _piece(recording, start, start + length)
        if piece is None and isinstance(recording, Sound):
            return
        if piece is None:
            silent = np.zeros_like(encoding.frame(recording, timesteps)) if silent is None else silent
            sample = silent
        else:
            sample = encoding.frame(piece, timesteps)
        yield LiveFrame(start, sample.reshape(timesteps, -1) > 0, _lasts(recording, start, length))


def _lasts(recording: Recording, start: int, length: int) -> int:
    return max(min(recording.duration - start, length), 0)


def _piece(recording: Recording, start: int, end: int) -> Recording | None:
    """What lies from microsecond `start` to `end` of a sound or flow; None if there is nothing."""
    if isinstance(recording, Sound):
        first, last = (time * recording.rate // 1_000_000 for time in (start, end))
        samples = recording.samples[first:last]
        return Sound(samples, recording.rate) if len(samples) else None
    if isinstance(recording, Flow):
        t = recording.t - recording.t.min()
        inside = (t >= start) & (t < end)
        return Flow(t[inside], recording.size[inside]) if inside.any() else None
    raise TypeError(f"{type(recording).__name__} cannot be cut into frames")
