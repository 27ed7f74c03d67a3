"""What a spike encoding is: a rule that turns one sample into one frame of spikes, in integers.

Everything is integer arithmetic, so that any other implementation (the torch twins in
``twinspike.model.inputs.encodings``, a microcontroller) can agree bit for bit. Below, x is a pixel 0..255,
T the number of steps, and floor division is written //. Pixels are addressed in C order.
"""

import dataclasses
from math import prod
from typing import Any, ClassVar

import numpy as np

from ..errors import out_of_range
from ..events import frame_words
from ..limits import MAX_TIMESTEPS


@dataclasses.dataclass(frozen=True)
class Encoding:
    """A rule that turns 8-bit images into spikes; parameters are its dataclass fields."""

    kind: ClassVar[str]
    # Whether an address that would stay silent for the whole frame spikes in the last step, T - 1.
    dense: ClassVar[bool] = False

    def addresses(self, shape: tuple[int, ...]) -> int:
        """Number of input addresses for images of `shape`."""
        return prod(shape)

    def map(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the map that the first layer sees: the images' own, or a row of all addresses."""
        addresses = self.addresses(shape)
        return tuple(int(n) for n in shape) if addresses == prod(shape) else (addresses,)

    def encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        """uint8 [B, *shape] -> bool [T, B, addresses]; raises TwinspikeError for another dtype or T."""
        check_images(images.dtype == np.uint8, images.dtype, images.shape, timesteps)
        return self._encode(images, timesteps)

    def events(self, image: np.ndarray, timesteps: int) -> tuple[np.ndarray, np.ndarray]:
        """One image uint8 [*shape] -> its frame as (uint16 event words, bool last), TICKs included."""
        return frame_words(self.encode(np.asarray(image)[None], timesteps)[:, 0])

    def table(self) -> dict[str, Any]:
        """The encoding as the table that :func:`encoding_from_table` reads back."""
        return {"kind": self.kind, **dataclasses.asdict(self)}

    def _encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        raise NotImplementedError


class OneSpike(Encoding):
    """An encoding in which an address spikes at most once per frame."""

    def steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        """uint8 [B, *shape] -> int32 [B, addresses]: the step of the spike, `timesteps` if silent."""
        found = self._steps(images, timesteps)
        return np.minimum(found, timesteps - 1) if self.dense else found

    def _steps(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        raise NotImplementedError

    def _encode(self, images: np.ndarray, timesteps: int) -> np.ndarray:
        steps = self.steps(images, timesteps)
        return np.arange(timesteps, dtype=np.int32)[:, None, None] == steps


def flat(images: np.ndarray) -> np.ndarray:
    """[B, *shape] -> int32 [B, pixels]."""
    return images.reshape(len(images), prod(images.shape[1:])).astype(np.int32)


def latency(strength: np.ndarray, timesteps: int) -> np.ndarray:
    """Step (255 - strength) * T // 256 of a strength 0..255: the strongest comes first, in step 0."""
    return (255 - strength) * timesteps // 256


def check_images(
    is_uint8: bool, dtype: object, shape: tuple[int, ...], timesteps: int, most: int = MAX_TIMESTEPS
) -> None:
    """Refuse what an encoding cannot encode; shared with the torch twins, which take fewer steps."""
    if not is_uint8:
        raise out_of_range("images dtype", str(dtype), "uint8, pixels 0..255")
    if len(shape) < 2 or prod(shape[1:]) < 1:
        raise out_of_range("images shape", tuple(shape), "[B, *shape] with at least one pixel per image")
    if not isinstance(timesteps, (int, np.integer)) or not 1 <= timesteps <= most:
        raise out_of_range("timesteps", timesteps, f"an integer in 1..{most}")
