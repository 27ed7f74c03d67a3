"""Stereo pairs of event cameras, simulated from pictures whose disparity is known."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from .downloads import file_sha256
from .folder import data_folder, present
from .images import read_image
from .settings import DataSettings

FOLDER = "stereo-middlebury"
SCENES = ("cones", "teddy")
FILES = ("im2.png", "im6.png", "disp2.png", "disp6.png")
# The files hold four times the disparity, 0 where it is not known.
STORED = 4
# Added to brightness of 0..1 before its logarithm, as dark pixels have noise of their own.
DARK = 0.02


class StereoPair(NamedTuple):
    """Brightness 0..1 [H, W] of both cameras, rectified, and the left one's disparity in pixels.

    Pixel (y, x) of the left picture is (y, x - disparity) of the right one; nan where it is not known.
    """

    left: np.ndarray
    right: np.ndarray
    disparity: np.ndarray

    def columns(self, first: int, end: int) -> "StereoPair":
        """The part between two columns of both pictures."""
        return StereoPair(*(part[:, first:end] for part in self))

    def turned(self) -> "StereoPair":
        """Upside down, which leaves disparities as they are."""
        return StereoPair(*(part[::-1] for part in self))


def load_stereo(scene: str, shrink: int) -> tuple[StereoPair, StereoPair]:
    """A scene of Middlebury's of 2003, as it is and in the mirror, where the right camera is the left one.

    Squares of `shrink` x `shrink` pixels become one: the mean brightness, the median of known disparities.
    Scharstein, Szeliski, "High-accuracy stereo depth maps using structured light", CVPR 2003. Raises
    TwinspikeError for files that are missing.
    """
    left, right, of_left, of_right = (_shrunk(path, shrink) for path in stereo_files(scene))
    mirrored = (part[:, ::-1] for part in (right, left, of_right))
    return StereoPair(left, right, of_left), StereoPair(*mirrored)


def stereo_files(scene: str) -> list[Path]:
    """The files of a scene; raises TwinspikeError for one that is missing."""
    folder, _ = data_folder(FOLDER)
    return [present(folder / scene / name) for name in FILES]


def stereo_checksums() -> dict[str, str]:
    """The SHA-256 of every file."""
    return {f"{scene}/{path.name}": file_sha256(path) for scene in SCENES for path in stereo_files(scene)}


def _shrunk(path: Path, shrink: int) -> np.ndarray:
    pixels = read_image(path, path.read_bytes(), DataSettings(channels=1)).astype(np.float64)
    height, width = (size // shrink for size in pixels.shape)
    squares = pixels[: height * shrink, : width * shrink].reshape(height, shrink, width, shrink)
    if not path.name.startswith("disp"):
        return squares.mean(axis=(1, 3)) / 255
    known = np.ma.masked_equal(squares.transpose(0, 2, 1, 3).reshape(height, width, -1), 0)
    return np.ma.median(known, axis=-1).filled(np.nan) / (STORED * shrink)


def events(brightness: np.ndarray, steps: int, radius: float, threshold: float) -> np.ndarray:
    """What an event camera sees of a still picture [H, W] on its way around a circle: uint8 [T, H, W, 2].

    The circle's `radius` is in pixels, its centre where the picture was taken. A pixel sends an event, dark
    (channel 0) or bright (1), where the logarithm of its brightness moved by `threshold` since its last one;
    several in a step are one. Rebecq et al., "ESIM: an Open Event Camera Simulator", CoRL 2018.
    """
    from scipy import ndimage  # deferred: only simulations need it

    angles = 2 * np.pi * np.arange(steps + 1) / steps
    logarithm = np.log(brightness + DARK)
    seen = [
        ndimage.shift(logarithm, (radius * np.sin(angle), radius * np.cos(angle)), order=1, mode="nearest")
        for angle in angles
    ]
    level, found = seen[0], np.zeros((steps, *brightness.shape, 2), np.uint8)
    for step, now in enumerate(seen[1:]):
        # Not a hair less than a whole threshold for want of digits.
        moved = np.trunc((now - level) / threshold + np.copysign(1e-9, now - level))
        found[step, ..., 0], found[step, ..., 1] = moved < 0, moved > 0
        level = level + moved * threshold
    return found


def pair_events(pair: StereoPair, steps: int, radius: float, threshold: float) -> np.ndarray:
    """The events of both cameras, uint8 [T, H, W, 4]: the left one's channels, then the right one's."""
    both = (events(picture, steps, radius, threshold) for picture in (pair.left, pair.right))
    return np.concatenate(list(both), axis=-1)


def drawn_pair(texture: np.ndarray, most: float, rng: np.random.Generator) -> StereoPair:
    """A pair of which the right picture is `texture` [H, W] and disparities are drawn, 0..`most` pixels.

    They are a slanted plane with a few nearer or farther rectangles on it. What is left of the right picture
    is not known.
    """
    from scipy import ndimage

    height, width = texture.shape
    y, x = np.mgrid[0:height, 0:width]
    slopes = rng.uniform(-0.25, 0.25, 2) * most
    disparity = (
        rng.uniform(0.15, 0.85) * most + slopes[0] * (y / height - 0.5) + slopes[1] * (x / width - 0.5)
    )
    for _ in range(rng.integers(0, 5)):
        top, left = rng.integers(0, height), rng.integers(0, width)
        block = np.s_[top : top + rng.integers(8, height // 2), left : left + rng.integers(8, width // 2)]
        disparity[block] += rng.uniform(-0.3, 0.3) * most
    disparity = disparity.clip(0, most)
    seen = ndimage.map_coordinates(texture, (y, x - disparity), order=1, mode="nearest")
    return StereoPair(seen, texture, np.where(x >= disparity, disparity, np.nan))
