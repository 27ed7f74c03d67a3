"""Multi-label sets as Mulan publishes them: ARFF with the labels last, named by an XML file beside it."""

from __future__ import annotations

import io
import tarfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...numerics.errors import TwinspikeError
from .downloads import file_sha256
from .folder import data_folder, present

FOLDER, ARCHIVE = "multilabel", "mulan.tar.xz"


class MultiLabel(NamedTuple):
    """Examples float64 [B, features] and labels bool [B, K], to train with and to measure on."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def archive_checksum() -> str:
    """The SHA-256 of the archive; raises TwinspikeError if it is missing."""
    return file_sha256(_archive())


def load_multilabel(name: str) -> MultiLabel:
    """The set of that name, split as published; raises TwinspikeError if archive or set is missing."""
    path = _archive()
    with tarfile.open(path, "r:xz") as packed:

        def read(file: str) -> bytes:
            try:
                found = packed.extractfile(f"{name}/{name}{file}")
            except KeyError:
                found = None
            if found is None:
                raise TwinspikeError(f"{path}: holds no {name}/{name}{file}")
            return found.read()

        labels = len(ElementTree.fromstring(read(".xml")))
        train, test = (_table(read(f"-{part}.arff")) for part in ("train", "test"))
    return MultiLabel(
        train[:, :-labels], train[:, -labels:] > 0.5, test[:, :-labels], test[:, -labels:] > 0.5
    )


def _table(data: bytes) -> np.ndarray:
    """All attributes of an ARFF file as numbers [B, attributes]; nominal ones are numbers here."""
    from scipy.io import arff

    rows, _ = arff.loadarff(io.StringIO(data.decode()))
    return np.stack([rows[field].astype(np.float64) for field in rows.dtype.names or ()], 1)


def _archive() -> Path:
    folder, _ = data_folder(FOLDER)
    return present(folder / ARCHIVE)
