import gzip
import hashlib
import os
import re

import numpy as np
import platformdirs
import pytest
from support.file_server import running_server
from support.idx_files import idx
from support.optional import needs

from twinspike.model.data import shipped as datasets
from twinspike.model.data.shipped import IdxFile, IdxSource, ensure_dataset, load_dataset
from twinspike.numerics.errors import TwinspikeError


def line_of(caught):
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_digits_are_stratified_fixed_and_eight_bit():
    digits = load_dataset("digits")
    assert digits.train_images.shape == (1201, 8, 8) and digits.test_images.shape == (596, 8, 8)
    assert digits.train_images.dtype == np.uint8 and digits.train_labels.dtype == np.int64
    assert digits.train_images.max() == 255 and digits.train_images.min() == 0
    share = np.bincount(digits.test_labels) / np.bincount(
        np.concatenate([digits.train_labels, digits.test_labels])
    )
    assert share == pytest.approx(np.full(10, 1 / 3), abs=0.01)
    expected = "c522b914135f440538a7cda9e25efdcc6702c387017afeaf4c3c25162511355a"
    assert digits.checksums == {"digits": expected}
    assert digits.shape == (8, 8) and digits.classes == 10
    assert ensure_dataset("digits") == []


@needs("datasets")
@pytest.mark.parametrize(("name", "per_class"), [("mnist", None), ("fashion", 1000)])
def test_idx_datasets_load_whole(name, per_class):
    dataset = load_dataset(name, progress=False)
    assert dataset.train_images.shape == (60_000, 28, 28) and dataset.test_images.shape == (10_000, 28, 28)
    assert dataset.train_labels.shape == (60_000,) and dataset.test_labels.dtype == np.int64
    counts = np.bincount(dataset.test_labels)
    assert len(counts) == 10 and counts.min() > 800
    assert per_class is None or (counts == per_class).all()
    assert len(dataset.checksums) == 4


def test_unknown_dataset():
    with pytest.raises(TwinspikeError) as caught:
        load_dataset("imagenet")
    assert (
        line_of(caught)
        == "dataset 'imagenet' is unknown: choose digits, mnist, fashion, omniglot, cifar10-q75"
    )


@pytest.fixture
def tiny(monkeypatch):
    """A dataset 'tiny' of four small IDX files; gives {file name: bytes}."""
    rng = np.random.default_rng(0)
    arrays = {
        "train-images.gz": rng.integers(0, 256, (200, 5, 5)),
        "train-labels.gz": np.arange(200) % 10,
        "test-images.gz": rng.integers(0, 256, (50, 5, 5)),
        "test-labels.gz": np.arange(50) % 10,
    }
    contents = {name: gzip.compress(idx(array), mtime=0) for name, array in arrays.items()}
    use_files(monkeypatch, contents, ("http://127.0.0.1:9/",))
    return contents


def use_files(monkeypatch, contents, mirrors):
    files = tuple(
        IdxFile(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items()
    )
    monkeypatch.setitem(datasets.IDX_SOURCES, "tiny", IdxSource("tiny", mirrors, files))
    monkeypatch.setattr(datasets, "DATASETS", ("digits", "tiny"))


def write_all(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)


def test_files_are_found_by_the_variable_and_verified(tmp_path, monkeypatch, tiny):
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    write_all(tmp_path / "tiny", tiny)
    dataset = load_dataset("tiny")
    assert dataset.train_images.shape == (200, 5, 5) and dataset.test_labels.tolist() == list(range(10)) * 5
    assert dataset.checksums == {name: hashlib.sha256(data).hexdigest() for name, data in tiny.items()}
    assert ensure_dataset("tiny") == [tmp_path / "tiny" / name for name in tiny]


def test_missing_short_and_corrupt_files_say_what_to_do(tmp_path, monkeypatch, tiny):
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    path = tmp_path / "tiny" / "train-images.gz"
    advice = "put a sound copy there, or unset TWINSPIKE_DATA to download the file"
    with pytest.raises(TwinspikeError) as caught:
        load_dataset("tiny")
    assert line_of(caught) == f"{path}: the file is missing; {advice}"
    write_all(tmp_path / "tiny", tiny)
    data = tiny[path.name]
    path.write_bytes(data[:-1])
    with pytest.raises(TwinspikeError) as caught:
        load_dataset("tiny")
    assert line_of(caught) == f"{path}: the file has {len(data) - 1} bytes, expected {len(data)}; {advice}"
    path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])
    with pytest.raises(TwinspikeError) as caught:
        load_dataset("tiny")
    assert re.fullmatch(
        re.escape(f"{path}: the file's SHA-256 is ") + r"\w{12}\.\.\., expected \w{12}\.\.\.; " + advice,
        line_of(caught),
    )


def test_images_and_labels_must_be_as_many(tmp_path, monkeypatch, tiny):
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    tiny["test-labels.gz"] = gzip.compress(idx(np.arange(49) % 10))
    use_files(monkeypatch, tiny, ())
    write_all(tmp_path / "tiny", tiny)
    with pytest.raises(TwinspikeError, match=r"test-labels\.gz: holds 49 labels for 50 images$"):
        load_dataset("tiny")


def test_without_the_variable_the_cache_is_filled_once_and_mended(tmp_path, monkeypatch, tiny):
    monkeypatch.delenv("TWINSPIKE_DATA", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)
    with running_server() as server:
        server.files |= tiny
        use_files(monkeypatch, tiny, (server.url,))
        assert load_dataset("tiny", progress=False).train_images.shape == (200, 5, 5)
        folder = tmp_path / "twinspike" / "data" / "tiny"
        assert sorted(os.listdir(folder)) == sorted(tiny) and len(server.requests) == 4
        load_dataset("tiny", progress=False)
        assert len(server.requests) == 4
        (folder / "test-labels.gz").write_bytes(b"corrupt")
        load_dataset("tiny", progress=False)
        assert server.requests[4:] == [("/test-labels.gz", None)]
        assert (folder / "test-labels.gz").read_bytes() == tiny["test-labels.gz"]


def test_a_part_of_the_training_images_leaves_the_test_images_alone():
    whole = load_dataset("digits")
    part = whole.first(100)
    assert np.array_equal(part.train_images, whole.train_images[:100]) and len(part.train_labels) == 100
    assert part.test_images is whole.test_images and whole.first(0) is whole
