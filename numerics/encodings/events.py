"""`events`: recordings of an event camera, cut into time steps."""

import dataclasses
from typing import ClassVar

import numpy as np

from ..errors import TwinspikeError
from ..fields import setting
from ..recordings import EventRecording, Recording
from .timed import Timed


@dataclasses.dataclass(frozen=True)
class Events(Timed):
    """Steps of `step` microseconds from the first event on, at most one spike per address and step.

    An event at time t (microseconds after the recording's earliest event) is in step
    (t - skip) // step; what is before or behind the T steps is dropped. Of the sensor, the part from
    (top, left) of `height` x `width` pixels counts; squares of `downsample` x `downsample` pixels become
    one. Two channels, 0 for darker and 1 for brighter; one channel with polarity `merged`, or only the
    brighter ones with `on`. The map is [height // downsample, width // downsample, channels].
    """

    kind: ClassVar[str] = "events"
    reads: ClassVar[str] = "events"
    step: int = setting(10_000, low=1, high=10**8, help="microseconds of a time step")
    skip: int = setting(0, low=0, high=10**9, help="microseconds after the first event that are left out")
    height: int = setting(34, low=1, high=2048, help="pixels from the top that count")
    width: int = setting(34, low=1, high=2048, help="pixels from the left that count")
    top: int = setting(0, low=0, high=2047, help="the first row that counts")
    left: int = setting(0, low=0, high=2047, help="the first column that counts")
    downsample: int = setting(1, low=1, high=64, help="so many pixels a side become one")
    polarity: str = setting("channels", choices=("channels", "merged", "on"), help="what becomes of polarity")

    @property
    def channels(self) -> int:
        return 2 if self.polarity == "channels" else 1

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width of the map."""
        return self.height // self.downsample, self.width // self.downsample

    def places(self, recording: EventRecording) -> tuple[np.ndarray, np.ndarray]:
        """int64 microseconds since the recording's earliest event, and address, of the events that count."""
        height, width = self.sides
        if not height or not width:
            raise TwinspikeError(
                f"encoder.downsample = {self.downsample} leaves nothing of {self.height} x {self.width} "
                "pixels: choose a smaller one"
            )
        t = recording.t - (recording.t.min() if len(recording) else 0)
        y = (recording.y.astype(np.int64) - self.top) // self.downsample
        x = (recording.x.astype(np.int64) - self.left) // self.downsample
        c = recording.on.astype(np.int64) if self.channels == 2 else np.zeros(len(t), np.int64)
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        if self.polarity == "on":
            inside &= recording.on
        return t[inside], ((y * width + x) * self.channels + c)[inside]

    def frame(self, recording: Recording, timesteps: int) -> np.ndarray:
        if not isinstance(recording, EventRecording):
            raise TypeError(f"{type(recording).__name__} is no recording of events")
        t, address = self.places(recording)
        step = (t - self.skip) // self.step
        inside = (step >= 0) & (step < timesteps)
        spikes = np.zeros((timesteps, *self.sides, self.channels), np.uint8)
        spikes.reshape(timesteps, -1)[step[inside], address[inside]] = 1
        return spikes
