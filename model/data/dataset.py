"""A dataset as every step knows it: samples, labels, names, and what they were read from."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Samples uint8 [N, *shape], labels int64 [N], and the SHA-256 of what they were read from.

    A sample is an image, [H, W] or [H, W, C], a row of features [n], or what a recording became, spikes
    [T, *map] (`numerics/encodings/timed.py`). `taught`: where training and test classes differ, the images
    of other classes that references are made from (its training images) and figures are measured on (its
    test images). `class_names`: what label 0, 1, ... is called, where it has a name. `validation`: a part of
    its own to choose with, where the data has one; neither trained on nor measured on.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    checksums: dict[str, str]
    taught: "Dataset | None" = None
    class_names: tuple[str, ...] = ()
    validation: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.train_images.shape[1:]

    def first(self, images: int) -> "Dataset":
        """The dataset with only the first so many training images; all of them if `images` is 0."""
        if not images:
            return self
        return dataclasses.replace(
            self, train_images=self.train_images[:images], train_labels=self.train_labels[:images]
        )

    @property
    def classes(self) -> int:
        return int(self.train_labels.max()) + 1
