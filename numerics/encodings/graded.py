"""`graded`: a pixel's brightness itself, as a multiplicity."""

import dataclasses
from typing import ClassVar

import numpy as np

from ..fields import setting
from ..values import value_words
from .base import Encoding, flat


@dataclasses.dataclass(frozen=True)
class Graded(Encoding):
    """A pixel x spikes x >> (8 - bits) times in step 0: its brightness itself, as a multiplicity.

    Meant for a first layer that holds its input, which then counts in every step: the usual "direct
    encoding" of an image. Source: Rueckauer et al., "Conversion of continuous-valued deep networks to
    efficient event-driven networks", Front. Neurosci. 11 (2017).
    """

    kind: ClassVar[str] = "graded"
    bits: int = setting(4, low=1, high=4, help="so many of a pixel's highest bits count")

    @property
    def most(self) -> int:
        """How often a core lets an event count at most: a VALUE of more counts as this many.

        VALUE words are read with two bits of m at least.
        """
        return (1 << max(self.bits, 2)) - 1

    def encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        """uint8 [B, *shape] -> uint8 [T, B, addresses], how often each address spikes."""
        return super().encode(images, timesteps)

    def events(self, image: np.ndarray, timesteps: int) -> tuple[np.ndarray, np.ndarray]:
        return value_words(self.encode(np.asarray(image)[None], timesteps)[:, 0])

    def _encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        x = flat(images)
        out = np.zeros((timesteps, *x.shape), dtype=np.uint8)
        out[0] = x >> (8 - self.bits)
        return out
