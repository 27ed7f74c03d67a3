"""CIFAR-10 as JPEG files of quality 75: 32 x 32 colours of ten classes (Krizhevsky, "Learning Multiple Layers
of Features from Tiny Images", 2009).

Two archives hold `<part>/<class>/<k>.jpg`, and `labels.npz` the labels in the published order: image i is the
k-th of its class. JPEG loses detail, so that figures are comparable only with others on the same files.
"""

import io
import lzma
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from ...numerics.errors import TwinspikeError
from ...numerics.files import write_atomically
from ...numerics.progress import Bar
from .dataset import Dataset
from .downloads import file_sha256
from .folder import cache_folder, data_folder, present

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (32, 32, 3)
PARTS = ("train", "test")
# SHA-256 of the files in $TWINSPIKE_DATA/cifar10.
CONTENT = {
    "labels.npz": "100457827cb30b2869dbdce3761c5279714820de9a8c6fa4d0dcc7cbc3037527",
    "jpeg/train.tar.xz": "886b19b1cd4f0c7f9f2208323c73f0e906c96db1dc82685ddcdf05946e8d9de5",
    "jpeg/test.tar.xz": "4e6f7fd3513a479a01533957830fd92e702faacd7c303f6845a719c6737950a5",
}
# A JPEG file of so few pixels takes 1 kB; far more is none of them.
_MAX_BYTES = 1 << 16


def cifar10_files() -> dict[str, Path]:
    """Where each file lies; raises TwinspikeError for one that is missing or is another."""
    folder, _ = data_folder("cifar10")
    paths = {name: present(folder / name) for name in CONTENT}
    for name, path in paths.items():
        if (found := file_sha256(path)) != CONTENT[name]:
            raise TwinspikeError(
                f"{path}: the file's SHA-256 is {found[:12]}..., expected {CONTENT[name][:12]}...: put a "
                "sound copy there"
            )
    return paths


def load_cifar10(name: str, *, progress: bool = True) -> Dataset:
    """50,000 images to train and 10,000 to measure, uint8 [N, 32, 32, 3], in the published order.

    The images are kept in the user's cache folder: unpacking them takes half a minute. Raises TwinspikeError
    for files that are missing, damaged or others.
    """
    paths = cifar10_files()
    kept = cache_folder() / "samples" / f"{name}-{CONTENT['labels.npz'][:16]}.npz"
    if not kept.is_file():
        write_atomically(kept, _packed(paths, progress))
    with np.load(kept, allow_pickle=False) as file:
        (x, y), (test_x, test_y) = (
            [file[f"{part}_{what}"] for what in ("images", "labels")] for part in PARTS
        )
    return Dataset(name, x, y, test_x, test_y, dict(CONTENT), class_names=CLASSES)


def _packed(paths: dict[str, Path], progress: bool) -> bytes:
    """An .npz of all images and labels."""
    arrays = {}
    with np.load(paths["labels.npz"], allow_pickle=False) as labels:
        for part in PARTS:
            path = paths[f"jpeg/{part}.tar.xz"]
            arrays[f"{part}_labels"] = labels[part].astype(np.int64)
            arrays[f"{part}_images"] = _images(path, part, labels[part], progress)
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def _images(path: Path, part: str, labels: np.ndarray, progress: bool) -> np.ndarray:
    """The images of an archive uint8 [N, 32, 32, 3], in the order of the labels [N]."""
    numbers = {name: np.flatnonzero(labels == label) for label, name in enumerate(CLASSES)}
    images, seen = np.empty((len(labels), *SHAPE), np.uint8), 0
    try:
        with (
            tarfile.open(path, "r:xz") as archive,
            Bar(total=len(labels), desc=f"unpacking {path.name}", unit="image", disable=not progress) as bar,
        ):
            for member in archive:
                if member.isfile():
                    _, name, file = member.name.removeprefix("./").split("/")
                    images[numbers[name][int(Path(file).stem)]] = _pixels(archive, member)
                    seen += 1
                    bar.update()
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError, ValueError, LookupError) as error:
        raise TwinspikeError(f"{path}: cannot be read ({error}): put a sound copy there") from None
    if seen != len(labels):
        raise TwinspikeError(f"{path}: holds {seen} images of {part} for {len(labels)} labels")
    return images


def _pixels(archive: tarfile.TarFile, member: tarfile.TarInfo) -> np.ndarray:
    if member.size > _MAX_BYTES:
        raise ValueError(f"{member.name} is too large")
    packed = archive.extractfile(member)
    assert packed is not None
    with Image.open(io.BytesIO(packed.read()), formats=["JPEG"]) as image:
        if (image.height, image.width, len(image.getbands())) != SHAPE:
            raise ValueError(f"{member.name} has {image.size} pixels of {len(image.getbands())} colours")
        return np.asarray(image)
