"""Encodings of what has time in it: a sample is spikes already, a map of them for each step."""

from math import prod
from typing import ClassVar

import numpy as np

from ..errors import TwinspikeError, out_of_range
from ..recordings import Recording
from .base import Encoding


class Timed(Encoding):
    """An encoding whose samples are uint8 [T, *map], 0 or 1: what spikes in which step.

    Recordings become such samples when they are read, by :meth:`frame`; after that data sets, training and
    hosts treat them as they treat images.
    """

    # What is recorded: "events", "sound", "packets"; "spikes" for spikes themselves.
    reads: ClassVar[str]

    def addresses(self, shape: tuple[int, ...]) -> int:
        return prod(shape[1:])

    def map(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(int(n) for n in shape[1:])

    def frame(self, recording: Recording, timesteps: int) -> np.ndarray:
        """One recording -> uint8 [T, *map]; raises TwinspikeError for what it cannot encode."""
        raise NotImplementedError

    def varied(self, recording: Recording, timesteps: int, generator: np.random.Generator) -> np.ndarray:
        """The recording as it might have sounded as well, uint8 [T, *map], for training."""
        raise TwinspikeError(f"data.variants: encoder.kind = {self.kind!r} has no variants: leave it out")

    def _encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        check_frames(images.shape, int(images.max(initial=0)), timesteps)
        return images.reshape(len(images), timesteps, -1).transpose(1, 0, 2).astype(bool)


def check_frames(shape: tuple[int, ...], most: int, timesteps: int) -> None:
    """Refuse samples [B, T, *map] of other steps or with more than one spike per address and step."""
    if len(shape) < 3 or shape[1] != timesteps:
        raise out_of_range("spikes shape", tuple(shape), f"[B, T, *map] with T = {timesteps}")
    if most > 1:
        raise TwinspikeError(f"spikes hold a {most}: an address spikes once a step at most, so 0 or 1")
