"""The datasets that have names: MNIST, Fashion-MNIST (IDX files), Omniglot, CIFAR-10, digits (scikit-learn).

IDX files are found in ``$TWINSPIKE_DATA/<mnist|fashion-mnist>/``; with that variable unset they
live in the user's cache directory, which the first use fills by a checksummed download.
"""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from ...numerics.errors import TwinspikeError
from .dataset import Dataset
from .downloads import download, file_sha256
from .folder import DATA_VARIABLE, data_folder
from .idx import read_idx


@dataclasses.dataclass(frozen=True)
class IdxFile:
    name: str
    size: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class IdxSource:
    """A dataset of four IDX files: its folder, its public homes, and the files in the order
    train images, train labels, test images, test labels."""

    folder: str
    mirrors: tuple[str, ...]
    files: tuple[IdxFile, ...]


def _files(*size_and_sha256: tuple[int, str]) -> tuple[IdxFile, ...]:
    names = (
        f"{part}-{data}-ubyte.gz" for part in ("train", "t10k") for data in ("images-idx3", "labels-idx1")
    )
    return tuple(IdxFile(name, *rest) for name, rest in zip(names, size_and_sha256, strict=True))


IDX_SOURCES = {
    "mnist": IdxSource(
        "mnist",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        _files(
            (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
            (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
    ),
    "fashion": IdxSource(
        "fashion-mnist",
        (
            # An S3 website speaks no TLS; the checksum below is what makes the download trustworthy.
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        _files(
            (26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
    ),
}
OMNIGLOT, CIFAR10 = "omniglot", "cifar10-q75"
DATASETS = ("digits", *IDX_SOURCES, OMNIGLOT, CIFAR10)
# Drawings of a character that its reference is made from; the rest is for measuring.
TAUGHT_DRAWINGS = 10


def load_dataset(name: str, *, progress: bool = True) -> Dataset:
    """The dataset of that name, verified by checksum and parsed with every check.

    `omniglot` trains on the background characters, and its `taught` are the characters of one evaluation
    alphabet. Downloads what is missing unless TWINSPIKE_DATA is set (not Omniglot, nor CIFAR-10). Raises
    TwinspikeError, one line that says what is wrong and what to do.
    """
    _check_name(name)
    if name == "digits":
        return _digits()
    if name == OMNIGLOT:
        return _omniglot()
    if name == CIFAR10:
        from .cifar10 import load_cifar10  # deferred: few need an image library

        return load_cifar10(CIFAR10, progress=progress)
    paths = ensure_dataset(name, progress=progress)
    train_images, test_images = (read_idx(path, 3) for path in paths[::2])
    train_labels, test_labels = (read_idx(path, 1).astype(np.int64) for path in paths[1::2])
    for images, labels, path in (
        (train_images, train_labels, paths[1]),
        (test_images, test_labels, paths[3]),
    ):
        if len(images) != len(labels):
            raise TwinspikeError(f"{path}: holds {len(labels)} labels for {len(images)} images")
    if train_images.shape[1:] != test_images.shape[1:]:
        raise TwinspikeError(
            f"{paths[2]}: images are {test_images.shape[1:]}, expected {train_images.shape[1:]}"
        )
    checksums = {file.name: file.sha256 for file in IDX_SOURCES[name].files}
    return Dataset(name, train_images, train_labels, test_images, test_labels, checksums)


def ensure_dataset(name: str, *, progress: bool = True) -> list[Path]:
    """Find (or download) and verify the files of a dataset; their paths, none for digits and Omniglot.

    Raises TwinspikeError for a file that is missing where TWINSPIKE_DATA points, has another
    checksum, or cannot be downloaded. A bad file in the cache is fetched again.
    """
    _check_name(name)
    if name == CIFAR10:
        from .cifar10 import cifar10_files  # deferred: few need an image library

        return list(cifar10_files().values())
    source = IDX_SOURCES.get(name)
    if source is None:
        return []
    folder, ours = data_folder(source.folder)
    paths = []
    for file in source.files:
        path = folder / file.name
        problem = _problem(path, file)
        if problem and not ours:
            raise TwinspikeError(
                f"{path}: {problem}; put a sound copy there, or unset {DATA_VARIABLE} to download the file"
            )
        if problem:
            urls = [mirror + file.name for mirror in source.mirrors]
            download(urls, path, size=file.size, sha256=file.sha256, progress=progress)
        paths.append(path)
    return paths


def file_checksums(name: str) -> list[str]:
    """SHA-256 of the files of the dataset of that name, [] for another; CIFAR-10's are verified first."""
    if name == CIFAR10:
        from .cifar10 import CONTENT, cifar10_files

        cifar10_files()
        return list(CONTENT.values())
    source = IDX_SOURCES.get(name)
    return [file.sha256 for file in source.files] if source else []


def _problem(path: Path, file: IdxFile) -> str:
    if not path.is_file():
        return "the file is missing"
    size = path.stat().st_size
    if size != file.size:
        return f"the file has {size} bytes, expected {file.size}"
    found = file_sha256(path)
    return (
        ""
        if found == file.sha256
        else f"the file's SHA-256 is {found[:12]}..., expected {file.sha256[:12]}..."
    )


def _check_name(name: str) -> None:
    if name not in DATASETS:
        raise TwinspikeError(f"dataset {name!r} is unknown: choose {', '.join(DATASETS)}")


def _omniglot() -> Dataset:
    from .omniglot import checksums, load_characters  # deferred: few need an image library

    folder = omniglot_folder()
    background, evaluation = (load_characters(folder, part) for part in ("background", "evaluation"))
    sums = checksums("background") | checksums("evaluation")
    own = np.array([name == evaluation.alphabets[0] for name in evaluation.alphabets])[evaluation.character]
    known = evaluation.drawing < TAUGHT_DRAWINGS
    first, second = own & known, own & ~known
    taught = Dataset(
        evaluation.alphabets[0],
        evaluation.images[first],
        evaluation.character[first],
        evaluation.images[second],
        evaluation.character[second],
        sums,
    )
    return Dataset(
        OMNIGLOT,
        background.images,
        background.character,
        taught.test_images,
        taught.test_labels,
        sums,
        taught,
    )


def omniglot_folder() -> Path:
    """Where Omniglot's archives are to be."""
    return data_folder(OMNIGLOT)[0]


def _digits() -> Dataset:
    """scikit-learn's 1,797 digits, 8x8. Values 0..16 become v * 255 // 16; every third image of each
    class, in the bundled order, is for testing: stratified, and the same on every machine."""
    from sklearn.datasets import load_digits  # deferred: its import takes a second

    bunch = load_digits()
    images = (bunch.images.astype(np.int64) * 255 // 16).astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    test = np.zeros(len(labels), dtype=bool)
    for label in range(10):
        test[np.flatnonzero(labels == label)[2::3]] = True
    checksum = hashlib.sha256(images.tobytes() + labels.astype(np.uint8).tobytes()).hexdigest()
    return Dataset("digits", images[~test], labels[~test], images[test], labels[test], {"digits": checksum})
