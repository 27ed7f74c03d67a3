"""Sound from WAV, FLAC and OGG files, by the library soundfile."""

import io
from pathlib import Path

import numpy as np

from ....numerics.errors import TwinspikeError
from ....numerics.recordings import Sound


def read_sound(path: Path, data: bytes) -> Sound:
    """One channel, the mean of several; raises TwinspikeError for what is no sound."""
    import soundfile  # loads libsndfile, which 32-bit systems have from their own packages

    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
        raise TwinspikeError(f"{path}: is no sound that can be read ({error})") from None
    if not len(samples) or not np.isfinite(samples).all():
        raise TwinspikeError(f"{path}: holds no samples, or infinite ones: record it again")
    return Sound(samples.mean(axis=1), int(rate))
