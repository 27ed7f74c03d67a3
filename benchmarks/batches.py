"""The images that training steps are timed on: MNIST's, or synthetic ones where it is missing."""

from __future__ import annotations

import numpy as np

from twinspike.model.data.shipped import load_dataset
from twinspike.numerics.errors import TwinspikeError

# Of MNIST's training images: the share of pixels of at least 32; of white ones beside an even spread.
BRIGHT, WHITE = 0.171, 0.46


def training_images() -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """Images uint8 [N, 28, 28], labels int64 [N] and checksums; says in one line if they are not MNIST's."""
    try:
        dataset = load_dataset("mnist")
    except TwinspikeError as error:
        print(f"MNIST is missing, synthetic images with as many bright pixels stand in: {error}")
        return *synthetic_images(60000), {"synthetic": "seed 0"}
    return dataset.train_images, dataset.train_labels, dict(dataset.checksums)


def synthetic_images(count: int) -> tuple[np.ndarray, np.ndarray]:
    """A straight stroke in every image, thick enough for as many bright pixels as a digit of MNIST has."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, count)
    y, x = (axis - 13.5 for axis in np.mgrid[:28, :28])
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        angle = np.pi * label / 10 + rng.normal(0, 0.1)
        away = np.abs(x * np.sin(angle) - y * np.cos(angle)) + rng.random((28, 28))
        away[np.hypot(x, y) > 12] = np.inf
        bright = away <= np.sort(away, axis=None)[int(BRIGHT * image.size)]
        image[bright] = np.where(rng.random(bright.sum()) < WHITE, 253, rng.integers(32, 253, bright.sum()))
    return images, labels.astype(np.int64)
