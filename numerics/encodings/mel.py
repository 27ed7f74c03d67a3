"""`mel`: sound as spikes, by way of the energies of bands as wide as the ear's."""

import dataclasses
from functools import lru_cache
from math import gcd
from typing import ClassVar

import numpy as np

from ..errors import TwinspikeError
from ..fields import setting
from ..recordings import Recording, Sound
from .base import latency
from .timed import Timed

# Energies below this share of the loudest are silence: 200 dB.
_FLOOR = 1e-20
# A sound that is stretched lies between the windows that are so many dB below the loudest.
_HEARD = 30
# What variants of a sound are drawn from: that many dB, and dB that the sound is louder than it was.
_VARIED, _LOUDER = (18.0, 40.0), (-10.0, 4.0)


@dataclasses.dataclass(frozen=True)
class Mel(Timed):
    """Mel bands of a sound, their loudness in dB below the loudest of the recording, then spikes.

    The sound is brought to `rate` samples a second; every `step` microseconds a Hann window of `window`
    microseconds gives a power spectrum, and `bands` triangles between `low` and `high` Hz, even on the mel
    scale 2595 log10(1 + f / 700), give the bands' energies. What is `reach` dB below the loudest counts as
    silent. Sources: Davis, Mermelstein, "Comparison of parametric representations for monosyllabic word
    recognition", IEEE TASSP 28 (1980); O'Shaughnessy, "Speech Communication" (1987) for the scale.

    `crossings`: `levels` levels a band, evenly between -reach and 0 dB; when its loudness rises above a level
    the channel 2 l spikes, when it falls below it 2 l + 1. Map [bands, 1, 2 * levels], the steps are the
    sound's own. Source: level-crossing sampling, Mark, Todd, "A nonuniform sampling approach to data
    compression", IEEE TCOM 29 (1981). `latency`: the spectrogram as an image of `frames` windows, loud is
    early, as the encoding `latency` does with pixels. Map [frames, bands, 1].
    `align = "centre"`: the middle of the sound's energy lies in the middle of what is heard. `"stretch"`: the
    sound from the first to the last window within 30 dB of the loudest one is divided into as many equal
    parts as frames or steps are asked for, each with the mean loudness of its windows (shares of windows
    count), so that slow and fast speakers look alike; nothing of that can be streamed.
    """

    kind: ClassVar[str] = "mel"
    reads: ClassVar[str] = "sound"
    coding: str = setting("crossings", choices=("crossings", "latency"), help="how loudness becomes spikes")
    rate: int = setting(8000, low=1000, high=192_000, help="samples a second that the sound is brought to")
    step: int = setting(10_000, low=1000, high=10**6, help="microseconds from window to window")
    window: int = setting(25_000, low=1000, high=10**6, help="microseconds of a window")
    bands: int = setting(32, low=4, high=128, help="mel bands")
    low: int = setting(50, low=0, high=10_000, help="Hz at which the lowest band begins")
    high: int = setting(4000, low=100, high=96_000, help="Hz at which the highest band ends")
    reach: int = setting(50, low=5, high=150, help="dB below the loudest that are heard")
    levels: int = setting(4, low=1, high=32, help="levels of a band, for crossings")
    frames: int = setting(32, low=1, high=1023, help="windows of a sound, for latency")
    align: str = setting(
        "start", choices=("start", "centre", "stretch"), help="what part of the sound is heard"
    )

    def frame(self, recording: Recording, timesteps: int) -> np.ndarray:
        return self._spikes(recording, timesteps, _HEARD, 0.0)

    def varied(self, recording: Recording, timesteps: int, generator: np.random.Generator) -> np.ndarray:
        """With other ends, where the sound is stretched, and another loudness."""
        return self._spikes(recording, timesteps, generator.uniform(*_VARIED), generator.uniform(*_LOUDER))

    def _spikes(self, recording: Recording, timesteps: int, ends: float, louder: float) -> np.ndarray:
        if not isinstance(recording, Sound):
            raise TypeError(f"{type(recording).__name__} is no sound")
        if self.coding == "latency":
            loud = self.loudness(recording, self.frames, ends, louder)
            x = np.floor(loud * 255).astype(np.int64)
            when = np.where(x > 0, latency(x, timesteps), timesteps)
            return (np.arange(timesteps)[:, None, None, None] == when[None, ..., None]).astype(np.uint8)
        loud = self.loudness(recording, timesteps, ends, louder)
        above = loud[..., None] >= (np.arange(self.levels) + 0.5) / self.levels
        before = np.concatenate([np.zeros_like(above[:1]), above[:-1]])
        spikes = np.stack([above & ~before, before & ~above], axis=-1)  # [T, bands, levels, 2]
        return spikes.reshape(timesteps, self.bands, 1, 2 * self.levels).astype(np.uint8)

    def loudness(self, sound: Sound, frames: int, ends: float = _HEARD, louder: float = 0.0) -> np.ndarray:
        """[frames, bands] in 0..1: 0 is `reach` dB or more below the recording's loudest, 1 the loudest.

        `ends`: what is stretched lies between the windows that many dB below the loudest; `louder`: dB.
        """
        energies = self.energies(sound)
        decibels = 10 * np.log10(np.maximum(energies / max(energies.max(), _FLOOR), _FLOOR))
        silent = energies.max() <= _FLOOR
        loud = energies * 0 if silent else np.clip((decibels + louder) / self.reach + 1, 0, 1)
        if self.align == "stretch":
            power = energies.sum(axis=1)
            heard = np.flatnonzero(power >= power.max() * 10 ** (-ends / 10))
            return stretched(loud[heard[0] : heard[-1] + 1], frames)
        first = 0
        if self.align == "centre":
            weight = energies.sum(axis=1)
            middle = int((weight * np.arange(len(weight))).sum() / max(weight.sum(), _FLOOR))
            first = middle - frames // 2
        found = np.zeros((frames, self.bands))
        own = loud[max(first, 0) : max(first + frames, 0)]
        found[max(-first, 0) : max(-first, 0) + len(own)] = own
        return found

    def energies(self, sound: Sound) -> np.ndarray:
        """Power in each band, [windows, bands], a window every `step` microseconds."""
        from scipy import signal  # deferred: most encodings do without

        common = gcd(self.rate, sound.rate)
        samples = signal.resample_poly(sound.samples, self.rate // common, sound.rate // common)
        length, hop = (max(1, self.rate * time // 1_000_000) for time in (self.window, self.step))
        samples = np.pad(samples, (0, max(0, length - len(samples))))
        windows = np.lib.stride_tricks.sliding_window_view(samples, length)[::hop]
        spectrum = np.fft.rfft(windows * signal.get_window("hann", length), n=_size(length))
        filters = triangles(self.rate, _size(length), self.bands, self.low, min(self.high, self.rate // 2))
        return (np.abs(spectrum) ** 2) @ filters.T


def stretched(rows: np.ndarray, parts: int) -> np.ndarray:
    """[n, bands] -> [parts, bands]: means over `parts` equal stretches of the rows, shares of a row counted.

    The differences of the running sum at the stretches' ends, linear between rows.
    """
    ends = np.linspace(0, len(rows), parts + 1)
    row = np.minimum(ends.astype(int), len(rows) - 1)
    sums = np.concatenate([np.zeros_like(rows[:1]), np.cumsum(rows, axis=0)])
    return np.diff(sums[row] + (ends - row)[:, None] * rows[row], axis=0) * parts / len(rows)


@lru_cache(maxsize=4)
def triangles(rate: int, size: int, bands: int, low: int, high: int) -> np.ndarray:
    """[bands, size / 2 + 1]: the weight of each frequency of a spectrum in each band."""
    if high <= low:
        raise TwinspikeError(
            f"encoder.low = {low} Hz is not below {high} Hz, encoder.high or half of the rate"
        )
    edges = _hertz(np.linspace(_mel(low), _mel(high), bands + 2))
    frequency = np.arange(size // 2 + 1) * rate / size
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    up, down = (frequency - left) / (centre - left), (right - frequency) / (right - centre)
    return np.maximum(0, np.minimum(up, down))


def _size(length: int) -> int:
    """The spectrum's points: fine enough that the narrowest triangle holds one."""
    return 1 << max(9, (length - 1).bit_length())


def _mel(hertz: float) -> float:
    return 2595 * np.log10(1 + hertz / 700)


def _hertz(mel: np.ndarray) -> np.ndarray:
    return 700 * (10 ** (mel / 2595) - 1)
