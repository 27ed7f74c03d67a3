"""Frames of spikes with which an imported network is calibrated and judged: a dataset's, or a file's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...numerics.encodings import MAX_TIMESTEPS, Encoding
from ...numerics.errors import TwinspikeError, out_of_range
from ..data.load import config_dataset
from ..data.npz import read_arrays

if TYPE_CHECKING:
    from ...config import Config

MAX_FILE_BYTES = 1 << 30


@dataclasses.dataclass(frozen=True, eq=False)
class Frames:
    """Input spikes bool [T, B, in]; labels int64 [B] and the original's spikes bool [T, B, out], if known."""

    spikes: np.ndarray
    labels: np.ndarray | None = None
    original: tuple[np.ndarray, ...] | None = None

    def take(self, frames: slice | np.ndarray) -> Frames:
        return Frames(
            self.spikes[:, frames],
            None if self.labels is None else self.labels[frames],
            None if self.original is None else tuple(train[:, frames] for train in self.original),
        )

    def __len__(self) -> int:
        return self.spikes.shape[1]


@dataclasses.dataclass(frozen=True, eq=False)
class Data:
    """Frames to choose by and others to measure with; the shape of an image and where they come from.

    `own_steps`: they came as spikes, and so with a number of steps.
    """

    calibration: Frames
    test: Frames
    shape: tuple[int, ...]
    source: str
    own_steps: bool = False


def some_of(count: int, most: int) -> np.ndarray:
    """Indices, in order, of at most `most` of `count` frames, drawn the same way each time."""
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


def dataset_frames(config: Config, most: int | None = None) -> Data:
    """Training images to calibrate (and fine-tune) with, test images to measure with, as spikes.

    `most`: that many training images are enough, and no others are encoded (see `some_of`).
    """
    data = config_dataset(config)
    kept: slice | np.ndarray = slice(None) if most is None else some_of(len(data.train_images), most)

    def frames(images: np.ndarray, labels: np.ndarray) -> Frames:
        return Frames(config.encoder.encode(images, config.timesteps), labels)

    return Data(
        frames(data.train_images[kept], data.train_labels[kept]),
        frames(data.test_images, data.test_labels),
        data.shape,
        f"dataset {data.name}, encoding {config.encoder.kind}",
    )


def file_frames(path: Path, encoding: Encoding, timesteps: int) -> Data:
    """Frames of an `.npz` file: even ones to calibrate with, odd ones to measure with.

    Arrays: `images` uint8 [B, ...], turned into spikes by `encoding` over `timesteps`, or `spikes` (0 or 1)
    [T, B, in]; optionally `labels` [B] and, recorded in the framework that trained the network,
    `original0`, `original1`, ... [T, B, out], the spikes of each layer.
    Raises TwinspikeError for anything else.
    """
    arrays = read_arrays(path, MAX_FILE_BYTES)
    known = {"images", "spikes", "labels"} | {f"original{i}" for i in range(16)}
    for name in arrays:
        if name not in known:
            raise TwinspikeError(
                f"{path}: array {name!r} is unknown: allowed are images, spikes, labels, original0..15"
            )
    if ("images" in arrays) == ("spikes" in arrays):
        raise TwinspikeError(f"{path}: expected either images [B, ...] or spikes [T, B, inputs]")
    if "images" in arrays:
        spikes, shape = encoding.encode(arrays["images"], timesteps), arrays["images"].shape[1:]
    else:
        spikes = _trains(path, "spikes", arrays["spikes"])
        shape = spikes.shape[2:]
    frames = spikes.shape[1]
    if frames < 2 or not 1 <= len(spikes) <= MAX_TIMESTEPS:
        raise TwinspikeError(
            f"{path}: {frames} frames of {len(spikes)} steps: "
            f"expected 2 or more, of 1 to {MAX_TIMESTEPS} steps"
        )
    labels = arrays.get("labels")
    if labels is not None and (labels.shape != (frames,) or labels.dtype.kind not in "iu"):
        raise out_of_range(f"{path}: labels", f"{labels.dtype} {list(labels.shape)}", f"integers [{frames}]")
    original = [
        _trains(path, n, arrays[n]) for n in sorted(arrays, key=lambda n: (len(n), n)) if n[:8] == "original"
    ]
    for index, train in enumerate(original):
        if train.shape[:2] != spikes.shape[:2]:
            raise out_of_range(
                f"{path}: original{index} shape", train.shape, f"[{len(spikes)}, {frames}, neurons]"
            )
    whole = Frames(
        spikes, None if labels is None else labels.astype(np.int64), tuple(original) if original else None
    )
    even, odd = (whole.take(slice(first, None, 2)) for first in (0, 1))
    return Data(even, odd, tuple(shape), Path(path).name, own_steps="spikes" in arrays)


def _trains(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim != 3 or array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise out_of_range(
            f"{path}: {name}", f"{array.dtype} {list(array.shape)}", "0 and 1, [T, B, neurons]"
        )
    return array.astype(bool)
