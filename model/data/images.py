"""Pictures as arrays of one size: resized, cut or padded, grey or in colour."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ...numerics.errors import TwinspikeError, out_of_range
from .settings import DataSettings

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
# A picture that is decoded to more is no sample for a core of this size, or an attack on memory.
MAX_PIXELS = 1 << 26
HALF_BRIGHT = 128


def read_image(file: Path, data: bytes, settings: DataSettings) -> np.ndarray:
    """The picture in `data`, uint8 [H, W] (grey) or [H, W, 3]; raises TwinspikeError for what is none."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise TwinspikeError(
                    f"{file}: {image.width} x {image.height} pixels: allowed are at most {MAX_PIXELS}"
                )
            return fitted(image, settings)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        what = "is no picture" if isinstance(error, UnidentifiedImageError) else f"cannot be read ({error})"
        raise TwinspikeError(f"{file}: {what}: take it away or put a sound copy there") from None


def fitted(image: Image.Image, settings: DataSettings) -> np.ndarray:
    """A picture in the size, proportions and channels that the settings ask for."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode == "I;16":
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    channels = settings.channels or (1 if upright.mode in ("1", "L", "LA", "I", "F") else 3)
    plain = upright.convert("L" if channels == 1 else "RGB")
    if settings.invert:
        plain = ImageOps.invert(plain)
    if settings.size:
        plain = _sized(plain, settings)
    return np.asarray(plain, np.uint8)


def bright_ground(medians: np.ndarray | list[float]) -> str:
    """A line about images that are bright in most places, by each one's median pixel, in 0..255; else ""."""
    if np.median(medians) < HALF_BRIGHT:
        return ""
    return (
        "most pixels are bright, and an encoder such as latency or threshold makes spikes of bright ones: "
        "for dark drawings on white set data.invert = true"
    )


def check_size(settings: DataSettings) -> None:
    """Raise TwinspikeError unless `data.size` is empty or a height and a width."""
    if len(settings.size) not in (0, 2):
        raise out_of_range("data.size", list(settings.size), "[height, width]")


def _sized(image: Image.Image, settings: DataSettings) -> Image.Image:
    height, width = settings.size
    if image.size == (width, height):
        return image
    if settings.fit == "stretch":
        return image.resize((width, height), Image.Resampling.BOX)
    if settings.fit == "crop":
        return ImageOps.fit(image, (width, height), Image.Resampling.BOX)
    return ImageOps.pad(image, (width, height), Image.Resampling.BOX)
