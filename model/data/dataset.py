"""A dataset as every step knows it: samples, labels, names, and what they were read from."""

import dataclasses

import numpy as np

from ...numerics.errors import TwinspikeError
from .split import test_part


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Samples uint8 [N, *shape], labels int64 [N], and the SHA-256 of what they were read from.

    A sample is an image, [H, W] or [H, W, C], a row of features [n], or what a recording became, spikes
    [T, *map] (`numerics/encodings/timed.py`). `taught`: where training and test classes differ, the images
    of other classes that references are made from (its training images) and figures are measured on (its
    test images). `class_names`: what label 0, 1, ... is called, where it has a name. `validation`: a part of
    its own to choose with, where the data has one; neither trained on nor measured on. `groups` [N]: which
    training samples belong together, where the data says so.
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
    groups: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self.train_images.shape[1:]

    def first(self, images: int) -> "Dataset":
        """The dataset with only the first so many training images; all of them if `images` is 0."""
        if not images:
            return self
        return self._training(slice(images))

    def of_classes(self, classes: int) -> "Dataset":
        """The dataset with only the labels below `classes` in every part; all of them if it is 0.

        Where references are made of other classes than training shows, all train, and the others keep the
        labels below `classes`. Raises TwinspikeError unless two classes are left and one is left out.
        """
        if not classes:
            return self
        if self.taught is not None:
            taught = self.taught.of_classes(classes)
            return dataclasses.replace(
                self, taught=taught, test_images=taught.test_images, test_labels=taught.test_labels
            )
        labels = np.unique(self.train_labels)
        if not 2 <= np.count_nonzero(labels < classes) < len(labels):
            raise TwinspikeError(
                f"data.classes = {classes}: dataset {self.name} has the labels {labels[0]} to {labels[-1]}: "
                "at least two must be below it and one not"
            )
        train, test = self.train_labels < classes, self.test_labels < classes
        judged = self.validation
        if judged is not None:
            images, of_images = judged
            judged = (images[of_images < classes], of_images[of_images < classes])
        return dataclasses.replace(
            self._training(train),
            test_images=self.test_images[test],
            test_labels=self.test_labels[test],
            class_names=self.class_names[:classes],
            validation=judged,
        )

    def beside(self, other: "Dataset") -> "Dataset":
        """The dataset with `other`'s classes trained beside its own; references are of its own alone.

        Raises TwinspikeError if samples of the two have different shapes.
        """
        if other.shape != self.shape:
            raise TwinspikeError(
                f"data.beside: samples of {other.name} are {list(other.shape)}, those of {self.name} "
                f"{list(self.shape)}: both must have one shape"
            )
        groups = self.groups
        if groups is not None:
            alone = np.arange(len(other.train_labels)).astype(str)
            groups = np.concatenate([groups, np.char.add(f"{other.name} ", alone)])
        return dataclasses.replace(
            self,
            train_images=np.concatenate([self.train_images, other.train_images]),
            train_labels=np.concatenate([self.train_labels, other.train_labels + self.classes]),
            checksums=self.checksums | other.checksums,
            taught=self,
            groups=groups,
        )

    def holding_out(self, share: float, seed: int) -> "Dataset":
        """The dataset with that share of its training samples, of each class, as validation part.

        A validation part of its own stays what it is, as does everything if `share` is 0. Whole groups are
        drawn where there are some. Raises TwinspikeError if a class is too small to be parted.
        """
        if not share or self.validation is not None:
            return self
        where = f"training.validate = {share:g}: dataset {self.name}"
        chosen = test_part(self.train_labels, self.groups, share, seed, where)
        gone = np.setdiff1d(self.train_labels[chosen], self.train_labels[~chosen])
        if len(gone):
            raise TwinspikeError(
                f"{where}: no sample of class {gone[0]} is left to train: choose a smaller share, or another "
                "data.seed"
            )
        held = (self.train_images[chosen], self.train_labels[chosen])
        return dataclasses.replace(self._training(~chosen), validation=held)

    def _training(self, chosen: slice | np.ndarray) -> "Dataset":
        """The dataset with some of its training samples only."""
        return dataclasses.replace(
            self,
            train_images=self.train_images[chosen],
            train_labels=self.train_labels[chosen],
            groups=None if self.groups is None else self.groups[chosen],
        )

    @property
    def classes(self) -> int:
        return int(self.train_labels.max()) + 1
