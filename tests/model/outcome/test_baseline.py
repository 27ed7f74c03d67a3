import dataclasses
import json

import numpy as np
import platformdirs
import pytest

from twinspike.model.data.shipped import load_dataset
from twinspike.model.outcome import baseline
from twinspike.model.outcome.evaluation import macro_f1


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)


@pytest.fixture(scope="module")
def digits():
    whole = load_dataset("digits")
    return dataclasses.replace(
        whole,
        train_images=whole.train_images[:400],
        train_labels=whole.train_labels[:400],
        test_images=whole.test_images[:150],
        test_labels=whole.test_labels[:150],
    )


def test_baseline_is_measured_once_and_kept(digits, tmp_path, monkeypatch):
    score = baseline.raw_pixel_knn(digits, progress=False)
    distance = digits.test_images.reshape(150, 1, 64).astype(int) - digits.train_images.reshape(1, 400, 64)
    near = digits.train_labels[(distance**2).sum(axis=2).argsort(axis=1, kind="stable")[:, :3]]
    predicted = (near[:, :, None] == np.arange(10)).sum(axis=1).argmax(axis=1)
    assert score == pytest.approx(macro_f1(digits.test_labels, predicted), abs=0.01)
    assert score > 0.9

    kept = list((tmp_path / "twinspike" / "baselines").iterdir())
    assert len(kept) == 1 and json.loads(kept[0].read_text())["macro_f1"] == score
    with monkeypatch.context() as patch:
        patch.setattr(baseline, "KNeighborsClassifier", None)  # measuring again would fail
        assert baseline.raw_pixel_knn(digits, progress=False) == score
    kept[0].write_text("torn")
    assert baseline.raw_pixel_knn(digits, progress=False) == score
    # Another encoding makes other samples of the same files.
    other = dataclasses.replace(
        digits, train_images=digits.train_images // 128, test_images=digits.test_images // 128
    )
    assert baseline.raw_pixel_knn(other, progress=False) != score


def test_baseline_works_without_a_writable_cache(digits, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / "file" / name)
    assert baseline.raw_pixel_knn(digits, progress=False) > 0.9
