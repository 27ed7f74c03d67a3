from functools import partial

import numpy as np
import pytest
from PIL import Image
from support.optional import needs

from twinspike.config import config_from_table
from twinspike.model.data import load
from twinspike.model.data.load import config_dataset
from twinspike.model.data.recorded import RECORDED, Entry, Source, recorded_entries
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.recordings import Sound

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
    with pytest.raises(TwinspikeError, match=r"data.fold = 7 is not allowed: expected 0..6 for"):
        dataset("spoken-digits", mel, 8, fold=7)


@needs("datasets")
def test_the_published_split_of_the_spoken_digits_is_by_number():
    entries = list(recorded_entries("spoken-digits", 6))
    measuring = [entry for entry in entries if entry.part == "test"]
    assert (len(entries), len(measuring)) == (3000, 300)
    # Five of each digit and speaker.
    assert {(entry.name, entry.group) for entry in measuring} == {(e.name, e.group) for e in entries}


TONES = {"kind": "mel", "coding": "latency", "bands": 24, "frames": 10}


def tone(label, number):
    """A tone of 600 or 1,200 Hz, no two recordings alike."""
    t = np.arange(1600 + 10 * number) / 8000
    return Sound(np.sin(2 * np.pi * 600 * (label + 1) * t), 8000)


def loudest(images):
    """The band of each sample [B, T, frames, bands, 1] that spikes first most often."""
    return images[:, 0, ..., 0].sum(axis=1).argmax(axis=1)


def test_sounds_train_at_other_speeds_too_and_measure_at_their_own(monkeypatch, tmp_path):
    """A tone that is played half as fast is half as high; who speaks is never in two parts."""

    def entries(paths, fold):
        for number in range(12):
            part, group = ("test", "c") if number // 4 == 2 - fold else ("train", "ab"[number // 4 % 2])
            yield Entry(part, str(number % 2), partial(tone, number % 2, number), group)

    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    (tmp_path / "file").write_text("made")
    monkeypatch.setitem(RECORDED, "keywords", Source("sound", ".", ("file",), entries, folds=2))
    plain = dataset("keywords", TONES)
    data = dataset("keywords", TONES, speeds=[50, 200])
    assert np.array_equal(data.test_images, plain.test_images) and len(data.test_labels) == 4
    assert len(plain.train_labels) == 8 and np.bincount(data.train_labels).tolist() == [12, 12]
    heard = {label: set(loudest(data.train_images[data.train_labels == label])) for label in (0, 1)}
    low, high = (set(loudest(plain.train_images[plain.train_labels == label])) for label in (0, 1))
    assert low <= heard[0] and high <= heard[0] and len(heard[0]) == 3  # 300, 600 and 1,200 Hz
    assert low <= heard[1] and max(heard[1]) > max(high)
    assert {x.tobytes() for x in plain.train_images} <= {x.tobytes() for x in data.train_images}
    # What chooses settings is heard at its own speed, and at no other by training.
    tried = dataset("keywords", TONES, speeds=[50, 200], validate=0.5)
    assert len(tried.test_labels) == 4 and len(tried.train_labels) == 12
    assert {x.tobytes() for x in tried.test_images} <= {x.tobytes() for x in plain.train_images}
    other = dataset("keywords", TONES, fold=1)
    assert {x.tobytes() for x in other.test_images} <= {x.tobytes() for x in plain.train_images}
    monkeypatch.setitem(RECORDED, "nmnist", Source("events", ".", ("file",), entries))
    with pytest.raises(TwinspikeError, match=r"data.speeds is for sounds, and nmnist holds events"):
        dataset("nmnist", EVENTS, speeds=[90])


def test_sounds_in_a_folder_train_at_other_speeds_too(tmp_path):
    import soundfile

    for number in range(8):
        path = tmp_path / "tones" / str(number % 2) / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone(number % 2, number).samples * 0.5, 8000)
    own = str(tmp_path / "tones")
    plain, data = dataset(own, TONES, test=0.25), dataset(own, TONES, test=0.25, speeds=[80, 125])
    assert np.array_equal(data.test_images, plain.test_images)
    assert len(data.train_labels) == 3 * len(plain.train_labels) == 18
    assert {x.tobytes() for x in plain.train_images} <= {x.tobytes() for x in data.train_images}


def test_what_cannot_be_read_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    with pytest.raises(TwinspikeError, match=r"NMNISTsmall.zip: the file is missing: put it there"):
        dataset("nmnist", EVENTS)
    with pytest.raises(TwinspikeError, match=r"dataset nmnist holds events: choose an encoder.kind for that"):
        dataset("nmnist", {"kind": "latency"})
    with pytest.raises(TwinspikeError, match=r"\[data\] but for classes and beside is for files of your own"):
        dataset("nmnist", EVENTS, group="x")


def test_variants_of_a_sound_train_and_never_measure(tmp_path):
    import soundfile

    for number in range(8):
        path = tmp_path / "tones" / str(number % 2) / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Faint at its ends: how much of it is heard depends on where they are.
        samples = tone(number % 2, number).samples
        soundfile.write(path, samples * np.hanning(len(samples)) ** 2 * 0.5, 8000)
    own, stretch = str(tmp_path / "tones"), TONES | {"coding": "latency", "frames": 8, "align": "stretch"}
    plain, data = (dataset(own, stretch, test=0.25, variants=count) for count in (0, 3))
    assert np.array_equal(data.test_images, plain.test_images)
    assert len(data.train_labels) == 4 * len(plain.train_labels) == 24
    before, after = ({x.tobytes() for x in one.train_images} for one in (plain, data))
    assert before < after and len(after) > 15
    again = dataset(own, stretch, test=0.25, variants=3)
    assert np.array_equal(again.train_images, data.train_images)


def test_pictures_in_a_folder_are_not_heard_again(tmp_path):
    for number in range(4):
        path = tmp_path / "own" / str(number % 2) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), 40 * number).save(path)
    with pytest.raises(TwinspikeError, match=r"data.variants is for sounds, and .*own holds images: leave"):
        dataset(str(tmp_path / "own"), {"kind": "latency"}, variants=2)
