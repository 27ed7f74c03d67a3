"""Training sounds heard again: at other speeds and as variants, further samples of the same label."""

import numpy as np

from ...numerics.encodings import Timed
from ...numerics.errors import TwinspikeError
from ...numerics.recordings import Recording, Sound
from .settings import DataSettings


def heard_again(settings: DataSettings) -> bool:
    """Whether training sounds become further samples."""
    return bool(settings.speeds or settings.variants)


def check_heard_again(settings: DataSettings, where: str, holds: str, *, sound: bool) -> None:
    """Raise TwinspikeError for data that is to be heard again and is no sound; `holds` says what it is."""
    if heard_again(settings) and not sound:
        key = "speeds" if settings.speeds else "variants"
        raise TwinspikeError(f"data.{key} is for sounds, and {where} holds {holds}: leave it out")


def further(
    recording: Recording, number: int, settings: DataSettings, encoding: Timed, timesteps: int
) -> np.ndarray:
    """Further samples [V, *shape] of the sound of that number: at other speeds, then variants."""
    assert isinstance(recording, Sound)
    found = [encoding.frame(recording.played(speed), timesteps) for speed in settings.speeds]
    generator = np.random.default_rng(number)
    found += [encoding.varied(recording, timesteps, generator) for _ in range(settings.variants)]
    return np.stack(found)
