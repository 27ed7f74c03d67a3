"""One file as a sample: an image, a sound, a recording of events or a capture, read as a dataset's are."""

import dataclasses
from pathlib import Path

import numpy as np

from ...numerics.encodings import Encoding, Timed
from ...numerics.errors import TwinspikeError
from ...numerics.files import read_limited
from . import images
from .folders import sample_reader
from .readers import SUFFIXES, kind_of
from .readers.kinds import MAX_FILE_BYTES
from .settings import DataSettings


def file_kind(path: Path) -> str:
    """What a file holds by its name: image, events, sound or packets; raises TwinspikeError for others."""
    kind = "image" if path.suffix.lower() in images.SUFFIXES else kind_of(path)
    if kind is None:
        allowed = ", ".join([*images.SUFFIXES, *SUFFIXES])
        raise TwinspikeError(f"{path}: no reader knows this ending: allowed are {allowed}")
    return kind


def read_sample(
    path: Path, settings: DataSettings, encoding: Encoding, timesteps: int, shape: tuple[int, ...]
) -> np.ndarray:
    """The sample in a file, uint8 [*shape], for a network that takes that shape.

    An image becomes as large, and as colourful, as the network's are; `settings` say how, and whether it is
    inverted. Everything else is what the encoding makes of it. Raises TwinspikeError, one line.
    """
    kind = file_kind(path)
    if kind == "image" and not isinstance(encoding, Timed):
        settings = _as_large(path, settings, shape)
    read = sample_reader(path, kind, settings, encoding, timesteps)
    sample = read(path, read_limited(path, MAX_FILE_BYTES, "a sample"))
    if sample.size != np.prod(shape):
        raise TwinspikeError(
            f"{path}: becomes a sample of {list(sample.shape)}, the network takes {list(shape)}: use the "
            "configuration that it was trained with"
        )
    return sample.reshape(shape)


def _as_large(path: Path, settings: DataSettings, shape: tuple[int, ...]) -> DataSettings:
    """Settings that make any picture one of the network's shape, [H, W] or [H, W, channels]."""
    channels = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or channels not in (1, 3):
        raise TwinspikeError(f"{path}: the network takes samples of {list(shape)}, which no picture becomes")
    return dataclasses.replace(settings, size=shape[:2], channels=channels)
