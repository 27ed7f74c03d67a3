import numpy as np
import pytest
from support.optional import needs

from twinspike.config import config_from_table
from twinspike.model.data import load
from twinspike.model.data.load import config_dataset
from twinspike.numerics.errors import TwinspikeError

EVENTS = {"kind": "events", "step": 30_000}
PACKETS = {"kind": "packets", "step": 500_000, "bins": 32, "levels": 3}


def dataset(name, encoder, timesteps=10, **data):
    table = {"dataset": name, "timesteps": timesteps, "encoder": encoder, "layers": [{"neurons": 8}]}
    return config_dataset(
        config_from_table("x", {**table, **({"data": data} if data else {})}), progress=False
    )


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    load._kept.cache_clear()
    monkeypatch.setattr("twinspike.model.data.recorded.cache_folder", lambda: tmp_path)


def nearest(data):
    """Accuracy of the nearest training sample by spikes per address."""
    train, test = (
        x.sum(axis=1).reshape(len(x), -1).astype(float) for x in (data.train_images, data.test_images)
    )
    distance = (test**2).sum(1)[:, None] - 2 * test @ train.T + (train**2).sum(1)
    return float((data.train_labels[distance.argmin(axis=1)] == data.test_labels).mean())


@needs("datasets")
@pytest.mark.parametrize(
    ("name", "encoder", "sizes", "least"),
    [
        ("nmnist", EVENTS, (1000, 100, 10), 0.8),
        ("traffic-sites", PACKETS, (237, 78, 79), 0.6),
        ("traffic-devices", PACKETS, (386, 164, 31), 0.7),
    ],
)
def test_recorded_datasets_have_their_parts_and_labels_that_fit(name, encoder, sizes, least, tmp_path):
    data = dataset(name, encoder)
    assert (len(data.train_labels), len(data.test_labels), len(data.class_names)) == sizes
    # Labels that did not belong to their recordings would leave the nearest neighbour nothing.
    assert nearest(data) > least
    assert len(list((tmp_path / "samples").iterdir())) == 1
    load._kept.cache_clear()
    again = dataset(name, encoder)
    assert np.array_equal(again.train_images, data.train_images) and again.checksums == data.checksums


@needs("datasets")
def test_a_fold_of_the_spoken_digits_is_a_speaker():
    mel = {"kind": "mel", "coding": "latency", "bands": 8, "frames": 8}
    first, second = (dataset("spoken-digits", mel, 8, fold=fold) for fold in (0, 1))
    assert len(first.train_labels) == len(second.train_labels) == 2500 and len(first.test_labels) == 500
    assert not np.array_equal(first.test_images, second.test_images)
    tried = dataset("spoken-digits", mel, 8, validate=0.2)
    assert len(tried.train_labels) == 2000 and len(tried.test_labels) == 500
    heard = {x.tobytes() for x in first.test_images}
    assert not heard & {x.tobytes() for x in (*tried.test_images, *tried.train_images)}
    with pytest.raises(TwinspikeError, match=r"data.fold = 6 is not allowed: expected 0..5 for"):
        dataset("spoken-digits", mel, 8, fold=6)


def test_what_cannot_be_read_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    with pytest.raises(TwinspikeError, match=r"NMNISTsmall.zip: the file is missing: put it there"):
        dataset("nmnist", EVENTS)
    with pytest.raises(TwinspikeError, match=r"dataset nmnist holds events: choose an encoder.kind for that"):
        dataset("nmnist", {"kind": "latency"})
    with pytest.raises(TwinspikeError, match=r"\[data\] is for files of your own"):
        dataset("nmnist", EVENTS, group="x")
