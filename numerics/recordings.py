"""Recordings that have time in them, as readers give them and encodings take them."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class EventRecording:
    """What an event camera saw: one entry an event in each of four arrays, in the order of the file.

    `t`: int64, microseconds since any moment. `x`, `y`: int32, pixels from the left and from the top.
    `on`: bool, the pixel became brighter. `width`, `height`: the sensor's, as far as the file says; else
    the largest coordinate and one.
    """

    t: np.ndarray
    x: np.ndarray
    y: np.ndarray
    on: np.ndarray
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.t)

    @property
    def duration(self) -> int:
        """Microseconds from the earliest event to the latest."""
        return int(self.t.max() - self.t.min()) if len(self) else 0


@dataclasses.dataclass(frozen=True, eq=False)
class Sound:
    """One channel of sound: `samples` float64 in -1..1, `rate` of them a second."""

    samples: np.ndarray
    rate: int

    @property
    def duration(self) -> int:
        """Microseconds."""
        return len(self.samples) * 1_000_000 // self.rate

    def played(self, percent: int) -> "Sound":
        """At another speed, which changes length, pitch and formants alike: 110 is a tenth faster and higher.

        Source: Ko, Peddinti, Povey, Khudanpur, "Audio augmentation for speech recognition", Interspeech 2015.
        """
        return Sound(self.samples, max(1, self.rate * percent // 100))


@dataclasses.dataclass(frozen=True, eq=False)
class Flow:
    """Packets that two parties exchange, in the order of the capture.

    `t`: int64, microseconds since any moment. `size`: int64, bytes; above 0 from the side that sent first
    (or from the side that the capture names as the client), below 0 from the other one.
    """

    t: np.ndarray
    size: np.ndarray

    def __len__(self) -> int:
        return len(self.t)

    @property
    def duration(self) -> int:
        """Microseconds from the earliest packet to the latest."""
        return int(self.t.max() - self.t.min()) if len(self) else 0


Recording = EventRecording | Sound | Flow
