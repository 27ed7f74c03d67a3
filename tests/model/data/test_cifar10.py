"""CIFAR-10's JPEG archives: images in the order of the labels, and what is refused."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from twinspike.model.data import cifar10
from twinspike.model.data.downloads import file_sha256
from twinspike.model.data.shipped import load_dataset
from twinspike.numerics.errors import TwinspikeError

LABELS = {"train": [3, 0, 3, 9, 3], "test": [9, 0]}


def jpeg(brightness, size=(32, 32)):
    out = io.BytesIO()
    Image.new("RGB", size, (brightness, 0, 0)).save(out, "JPEG")
    return out.getvalue()


def archive(path, part, pictures):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:xz") as tar:
        for name, data in pictures:
            member = tarfile.TarInfo(f"{part}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def pictures(part):
    """Those of each class together, as in the archive; image i is as bright as 40 i."""
    found = []
    for label, name in enumerate(cifar10.CLASSES):
        own = [i for i, other in enumerate(LABELS[part]) if other == label]
        found += [(f"{name}/{k:04d}.jpg", jpeg(40 * i)) for k, i in enumerate(own)]
    return found


@pytest.fixture
def sums(tmp_path, monkeypatch):
    """A made dataset; to be called when its files have been changed."""
    folder = tmp_path / "cifar10"
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    monkeypatch.setattr(cifar10, "cache_folder", lambda: tmp_path / "cache")
    for part in LABELS:
        archive(folder / f"jpeg/{part}.tar.xz", part, pictures(part))
    np.savez(folder / "labels.npz", **{part: np.array(labels) for part, labels in LABELS.items()})

    def take():
        monkeypatch.setattr(
            cifar10, "CONTENT", {name: file_sha256(folder / name) for name in cifar10.CONTENT}
        )

    take()
    return take


def test_images_come_in_the_order_of_the_labels(sums, tmp_path):
    for _ in range(2):  # unpacked, then from what was kept
        found = load_dataset("cifar10-q75", progress=False)
        assert found.train_images.shape == (5, 32, 32, 3) and found.test_images.shape == (2, 32, 32, 3)
        brightness = found.train_images[:, 16, 16, 0].astype(int)
        assert np.abs(brightness - 40 * np.arange(5)).max() < 4
        assert found.train_labels.tolist() == LABELS["train"] and found.test_labels.tolist() == LABELS["test"]
        assert found.class_names[3] == "cat"
        for part in LABELS:
            (tmp_path / "cifar10/jpeg" / f"{part}.tar.xz").touch()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda made: made[:-1], "holds 4 images of train for 5 labels"),
        (lambda made: [*made, ("cat/0003.jpg", jpeg(1))], "cannot be read (index 3 is out of bounds"),
        (lambda made: [*made[1:], ("crow/0000.jpg", jpeg(1))], "cannot be read ('crow')"),
        (lambda made: [("cat/0000.jpg", b"none")], "cannot be read (cannot identify image file"),
        (lambda made: [("cat/0000.jpg", jpeg(1, (16, 32)))], "has (16, 32) pixels of 3 colours"),
        (lambda made: [("cat/0000.jpg", bytes(1 << 17))], "train/cat/0000.jpg is too large"),
    ],
)
def test_bad_archives_are_refused_in_one_line(change, reason, sums, tmp_path):
    path = tmp_path / "cifar10/jpeg/train.tar.xz"
    archive(path, "train", change(pictures("train")))
    with pytest.raises(TwinspikeError, match=r"SHA-256 is .*: put a sound copy there"):
        load_dataset("cifar10-q75", progress=False)
    sums()
    with pytest.raises(TwinspikeError) as caught:
        load_dataset("cifar10-q75", progress=False)
    assert str(caught.value).startswith(f"{path}: ") and reason in str(caught.value)


def test_a_missing_file_is_named(sums, tmp_path):
    (tmp_path / "cifar10/labels.npz").unlink()
    with pytest.raises(TwinspikeError, match=r"labels\.npz: the file is missing"):
        load_dataset("cifar10-q75", progress=False)
