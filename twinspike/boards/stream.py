"""`twinspike device stream`: a recording, replayed to a device at its own pace."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from twinspike.flow.predict import answer_text
from twinspike.host import Device
from twinspike.host.info import Answer
from twinspike.model.data.readers import kind_of, read_recording
from twinspike.numerics.encodings import Events, Timed
from twinspike.numerics.encodings.frames import LiveFrame, live_frames, step_microseconds
from twinspike.numerics.errors import TwinspikeError, out_of_range
from twinspike.numerics.events import frame_words
from twinspike.numerics.recordings import EventRecording
from twinspike.quant.network import Network
from twinspike.sim.golden import run


@dataclasses.dataclass
class Pace:
    """When steps are over: step k is k + 1 times `step` seconds after the first question, of `clock`."""

    step: float
    clock: Callable[[], float]
    began: float | None = None

    def due(self, k: int) -> float:
        if self.began is None:
            self.began = self.clock()
        return self.began + (k + 1) * self.step

    def behind(self, steps: int) -> float:
        """Seconds that have passed since so many steps were over."""
        return self.clock() - self.due(steps - 1)


@dataclasses.dataclass
class Streamed:
    """What came of a recording: frames, those unknown, and those that differ from the golden model's.

    `behind`: by how many seconds the latest answer followed its frame's end in the recording, at the pace
    that was asked for; 0 without one.
    """

    frames: int = 0
    unknown: int = 0
    different: int = 0
    behind: float = 0.0


def recording_frames(network: Network, file: Path) -> Iterator[LiveFrame]:
    """The frames of a recording for a network; raises TwinspikeError unless they suit each other."""
    encoding = network.encoder
    step_microseconds(encoding)
    kind = kind_of(file)
    if kind and isinstance(encoding, Timed) and kind != encoding.reads:
        raise TwinspikeError(f"{file}: holds {kind}: {network.name} takes {encoding.reads}")
    try:
        return live_frames(encoding, read_recording(file), network.timesteps)
    except TwinspikeError as error:
        said = str(error)
        raise TwinspikeError(said if str(file) in said else f"{file}: {said}") from None


def check_speed(speed: float) -> None:
    """Raise TwinspikeError unless `speed` is one that a recording can be replayed at."""
    if not 0 <= speed < float("inf"):
        raise out_of_range("--speed", speed, "a number >= 0; 0: as fast as the link takes events")


def replay(
    device: Device,
    network: Network,
    frames: Iterator[LiveFrame],
    *,
    speed: float = 1.0,
    check: bool = False,
    tell: Callable[[str], None] = print,
    clock: Callable[[], float] = time.monotonic,
) -> Streamed:
    """Send frames and tell a line for each answer, as they come.

    `speed`: seconds of the recording a second; 0: as fast as the link takes them. With `check` each answer is
    held against the golden model's for the same events.
    """
    check_speed(speed)
    step, steps = step_microseconds(network.encoder) / 1e6, network.timesteps
    pace = Pace(step / speed, clock) if speed else None
    sent: list[LiveFrame] = []

    def spikes() -> Iterator[np.ndarray]:
        for frame in frames:
            sent.append(frame)
            yield frame.spikes

    if pace:
        answers = device.classify_live(spikes(), pace.due, clock)
    else:
        answers = device.classify_events(frame_words(one)[0] for one in spikes())
    done = Streamed()
    for answer in answers:
        frame = sent.pop(0)
        if pace:
            done.behind = max(done.behind, pace.behind((done.frames + 1) * steps))
        done.frames += 1
        done.unknown += not answer.same
        text = answer_text(network, answer.label, answer.distance, answer.runner_up, answer.same)
        wrong = _difference(network, frame, answer) if check else ""
        done.different += bool(wrong)
        tell(f"{frame.start / 1e6 + steps * step:9.3f} s  {text}{_ended(frame, steps * step)}{wrong}")
    return done


def _ended(frame: LiveFrame, seconds: float) -> str:
    """What a line adds where the recording covers less than half of a frame of so many seconds."""
    lasts = frame.lasts / 1e6
    return f" (the recording ends {lasts:.3f} s into the frame)" if lasts < seconds / 2 else ""


def replay_by_timer(
    device: Device,
    network: Network,
    file: Path,
    *,
    speed: float = 1.0,
    tell: Callable[[str], None] = print,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Send the events of a recording without TICKs, which the device makes; returns a line about the whole.

    Each event goes out at its time, by `clock`. A line is told for each answer, with the seconds of the
    recording that have passed. Raises TwinspikeError for what has no single events, and for other speeds.
    """
    encoding, recording = network.encoder, read_recording(file)
    if not isinstance(encoding, Events) or not isinstance(recording, EventRecording):
        raise TwinspikeError(f"{file}: --timer is for recordings of events: leave it out")
    if not 0 < speed < float("inf"):
        raise out_of_range("--speed", speed, "a number > 0: the device's clock goes on at its own pace")
    if not device.info.clock_mhz:
        raise TwinspikeError("the device does not say how fast its clock is: leave --timer out")
    t, address = _once_a_step(encoding, recording)
    frames = sent = 0
    began = clock()
    with device.by_timer(max(1, round(encoding.step * device.info.clock_mhz / speed))) as live:
        goes_on = True
        while goes_on:
            goes_on = sent < len(t) or live.busy()
            now = (clock() - began) * 1e6 * speed
            due = int(np.searchsorted(t, now, "right"))
            if due > sent:
                live.send(address[sent:due])
                sent = due
            if answer := live.answer():
                frames += 1
                text = answer_text(network, answer.label, answer.distance, answer.runner_up, answer.same)
                tell(f"{(clock() - began) * speed:9.3f} s  {text}")
        dropped, late = live.losses()
    lost = f"{live.missed} answers missed, {dropped} events dropped, {late} steps too long"
    return f"{frames} frames by the device's clock, {sent} events; {lost}"


def _once_a_step(encoding: Events, recording: EventRecording) -> tuple[np.ndarray, np.ndarray]:
    """Microseconds and addresses of the events that count, in order, an address once in each step."""
    t, address = encoding.places(recording)
    t, address = t[t >= encoding.skip] - encoding.skip, address[t >= encoding.skip]
    order = np.argsort(t, kind="stable")
    t, address = t[order], address[order]
    _, first = np.unique(t // encoding.step * (address.max(initial=0) + 1) + address, return_index=True)
    first.sort()
    return t[first], address[first]


def _difference(network: Network, frame: LiveFrame, answer: Answer) -> str:
    """What the golden model says instead, for a line's end; nothing if it agrees."""
    found = run(network, frame.spikes[:, None]).results
    wanted = (int(found.label[0]), int(found.distance[0]), int(found.runner_up[0]), bool(found.same[0]))
    if wanted == (answer.label, answer.distance, answer.runner_up, answer.same):
        return ""
    return f"; golden model: {answer_text(network, *wanted)}"


def summary(done: Streamed, network: Network, speed: float, check: bool) -> str:
    """One line for the end."""
    steps = f"{done.frames} frames of {network.timesteps} steps"
    parts = [steps, f"{done.unknown} unknown"]
    if speed:
        parts.append(f"the latest answer {done.behind:.3f} s behind the recording's own time")
    if check:
        parts.append(f"{done.different} differ from the golden model")
    return ", ".join(parts)
