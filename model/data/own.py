"""Datasets of one's own: a folder, an .npz or a .csv file, split and labelled the same way every time."""

from pathlib import Path

import numpy as np

from ...numerics.encodings import Encoding, Timed
from ...numerics.errors import TwinspikeError
from .arrays import read_csv, read_npz
from .dataset import Dataset
from .downloads import file_sha256
from .folders import read_folder
from .samples import Samples, checked_classes
from .settings import DataSettings
from .split import test_part


def load_own(
    path: Path, settings: DataSettings, encoding: Encoding, timesteps: int, *, progress: bool = True
) -> Dataset:
    """The dataset at `path`, its samples as the encoding takes them.

    A class has the number of its name's place in order; every class trains. Without a test part `data.test`
    of each class measures, drawn by `data.seed`. Raises TwinspikeError, one line that says what is wrong.
    """
    if not path.exists():
        raise TwinspikeError(f"dataset {path} does not exist: give a folder, an .npz or a .csv file")
    if path.is_dir():
        parts, sha256 = read_folder(path, settings, encoding, timesteps, progress=progress)
    elif path.suffix.lower() in (".npz", ".csv"):
        parts = read_npz(path, settings) if path.suffix.lower() == ".npz" else read_csv(path, settings)
        sha256 = file_sha256(path)
        _check_samples(path, parts, encoding, timesteps)
    else:
        raise TwinspikeError(f"dataset {path}: expected a folder, an .npz or a .csv file")
    return assembled(path, parts, settings, sha256)


def assembled(path: Path, parts: list[Samples], settings: DataSettings, sha256: str) -> Dataset:
    """The dataset of its parts: classes numbered, a test part drawn if there is none, samples mixed."""
    by_part = {samples.part: samples for samples in parts}
    train = by_part["train"]
    order = checked_classes(path, {samples.part: set(samples.names) for samples in parts})
    number = {name: label for label, name in enumerate(order)}
    # Labels that are numbers stay what they are, as long as they are small.
    if all(name.isdecimal() and int(name) <= 0xFFFF for name in order):
        number = {name: int(name) for name in order}

    def labels(samples: Samples) -> np.ndarray:
        return np.array([number[name] for name in samples.names], np.int64)

    x, y, groups, again = train.x, labels(train), train.groups, train.again
    if "test" in by_part:
        test = by_part["test"]
        if test.x.shape[1:] != x.shape[1:]:
            found = f"{list(test.x.shape[1:])}, training ones {list(x.shape[1:])}"
            raise TwinspikeError(f"dataset {path}: test samples are {found}: all must have one shape")
        measured, measured_labels = test.x, labels(test)
    else:
        chosen = _drawn(path, y, groups, settings, "test")
        measured, measured_labels, x, y = x[chosen], y[chosen], x[~chosen], y[~chosen]
        groups = None if groups is None else groups[~chosen]
        again = None if again is None else again[~chosen]
    val = by_part.get("val")
    if settings.validate and val:
        measured, measured_labels, val = val.x, labels(val), None
    elif settings.validate:
        chosen = _drawn(path, y, groups, settings, "validate")
        measured, measured_labels, x, y = x[chosen], y[chosen], x[~chosen], y[~chosen]
        again = None if again is None else again[~chosen]
        groups = None if groups is None else groups[~chosen]
    if again is not None:
        more = again.shape[1]
        x = np.concatenate([x, again.reshape(-1, *x.shape[1:])])
        y = np.concatenate([y, np.repeat(y, more)])
        groups = None if groups is None else np.concatenate([groups, np.repeat(groups, more)])
    # Files lie class by class; a batch, and the first so many samples, are to be of all classes.
    mixed = np.random.default_rng(settings.seed).permutation(len(y))
    shown = np.random.default_rng(settings.seed).permutation(len(measured_labels))
    return Dataset(
        path.name,
        np.ascontiguousarray(x[mixed]),
        y[mixed],
        np.ascontiguousarray(measured[shown]),
        measured_labels[shown],
        {path.name: sha256},
        class_names=_names(number),
        validation=(val.x, labels(val)) if val else None,
        groups=None if groups is None else np.asarray(groups)[mixed],
    )


def _drawn(
    path: Path, labels: np.ndarray, groups: np.ndarray | None, settings: DataSettings, share: str
) -> np.ndarray:
    """bool [N]: the samples that `data.test` or `data.validate` (`share`) takes out of training."""
    chosen = test_part(labels, groups, getattr(settings, share), settings.seed, f"dataset {path}")
    gone = sorted(set(labels[chosen].tolist()) - set(labels[~chosen].tolist()))
    if gone:
        raise TwinspikeError(
            f"dataset {path}: with data.group no sample of class {gone[0]} is left to train: choose "
            f"another data.seed, or a smaller data.{share}"
        )
    return chosen


def _names(number: dict[str, int]) -> tuple[str, ...]:
    """Class names, label 0 first; labels that no class has are named by their number."""
    names = {label: name for name, label in number.items()}
    return tuple(names.get(label, str(label)) for label in range(max(names) + 1))


def _check_samples(path: Path, parts: list[Samples], encoding: Encoding, timesteps: int) -> None:
    """Raise TwinspikeError unless arrays are what the encoding takes: images, or spikes of T steps."""
    for samples in parts:
        if isinstance(encoding, Timed):
            if encoding.reads != "spikes":
                raise TwinspikeError(
                    f"dataset {path}: encoder.kind = {encoding.kind!r} takes a folder of recordings; "
                    'for spikes in an .npz file write kind = "spikes"'
                )
            encoding.encode(samples.x[:1], timesteps)
            if samples.x.max() > 1:
                raise TwinspikeError(f"dataset {path}: spikes hold a {samples.x.max()}: expected 0 and 1")
