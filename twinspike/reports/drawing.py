"""Shapes of the report's small figures as SVG path data, a unit a step and a unit a neuron or spike.

The page scales them and gives them its colours, so they stay sharp and follow light and dark.
"""

import base64
import io
from collections.abc import Sequence

import numpy as np

# Columns of a raster keep apart, so that steps can be counted.
_GAP = 0.12


def raster_path(train: np.ndarray) -> str:
    """Spikes bool [T, N] as filled boxes, time to the right and neuron 0 at the top; "" if silent."""
    edges = np.diff(np.pad(train.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
    width = f"{1 - 2 * _GAP:g}"
    return "".join(
        f"M{step + _GAP:g} {row}h{width}v{end - row}h-{width}z"
        for (step, row), (_, end) in zip(starts.tolist(), ends.tolist(), strict=True)
    )


def step_path(counts: Sequence[int], top: int) -> str:
    """Counts [T] as a staircase, a unit wide each, 0 at the height `top` and `top` at 0."""
    return f"M0 {top - counts[0]}" + "".join(
        f"h1V{top - after}" if after != before else "h1"
        for before, after in zip(counts, [*counts[1:], counts[-1]], strict=True)
    )


def between_path(one: Sequence[int], other: Sequence[int], top: int) -> str:
    """The area between two staircases: a box for every step in which they differ; "" if equal."""
    return "".join(
        f"M{step} {top - max(a, b)}h1v{abs(a - b)}h-1z"
        for step, (a, b) in enumerate(zip(one, other, strict=True))
        if a != b
    )


def thinned(train: np.ndarray, rows: int = 128) -> np.ndarray:
    """Spikes [T, N] with neighbouring neurons joined by "or" until at most `rows` are left.

    A raster of 784 neurons has less than a pixel for each: drawing would drop spikes at random.
    """
    group = -(-train.shape[1] // rows)
    padded = np.pad(train, ((0, 0), (0, -train.shape[1] % group)))
    return np.any(padded.reshape(len(train), -1, group), axis=2)


def tiled(counts: np.ndarray) -> np.ndarray:
    """Counts [H, W, C] as one grey picture: the maps side by side in a near square, brightest where most."""
    height, width, channels = counts.shape
    across = max(1, round((channels * height / width) ** 0.5))
    down = -(-channels // across)
    # A grey line between the maps; it is no count.
    picture = np.full((down * (height + 1) - 1, across * (width + 1) - 1), 64, np.uint8)
    for channel in range(channels):
        y, x = (channel // across) * (height + 1), (channel % across) * (width + 1)
        picture[y : y + height, x : x + width] = 255 * counts[:, :, channel] // max(1, int(counts.max()))
    return picture


def data_address(image: np.ndarray) -> str:
    """A grey uint8 image [H, W] as the address of a PNG inside the page."""
    from matplotlib.image import imsave  # deferred: slow to import

    png = io.BytesIO()
    imsave(png, image, cmap="gray", vmin=0, vmax=255, format="png")
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
