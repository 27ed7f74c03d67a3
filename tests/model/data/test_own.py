import dataclasses

import numpy as np
import pytest
from PIL import Image

from twinspike.config import config_from_table
from twinspike.model.data.load import check_data, complete_dataset, config_dataset
from twinspike.model.data.own import load_own
from twinspike.model.data.settings import DataSettings
from twinspike.numerics.encodings import Events, Latency, Spikes
from twinspike.numerics.errors import TwinspikeError

GREY = DataSettings(size=(6, 5))


def picture(path, level, size=(5, 6), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, level if mode == "L" else (level, 0, 255 - level)).save(path)


def folder(root, classes=("cat", "dog"), each=5, parts=("",), **picture_settings):
    for part in parts:
        for label, name in enumerate(classes):
            for i in range(each):
                picture(root / part / name / f"s{i % 3}_{i}.png", 50 * label + i, **picture_settings)
    return root


def load(path, settings=GREY, encoding=None, timesteps=4):
    return load_own(path, settings, encoding or Latency(), timesteps, progress=False)


def test_a_folder_of_images_becomes_a_dataset(tmp_path):
    data = load(folder(tmp_path / "pets"))
    assert data.train_images.shape == (8, 6, 5) and data.test_images.shape == (2, 6, 5)
    assert data.class_names == ("cat", "dog") and data.classes == 2
    assert sorted(data.test_labels.tolist()) == [0, 1] and data.validation is None
    # A pixel is its class and number: labels went where their images went, and nothing lies in two parts.
    levels = np.concatenate([data.train_images, data.test_images])[:, 0, 0]
    assert np.array_equal(levels // 50, np.concatenate([data.train_labels, data.test_labels]))
    assert sorted(levels.tolist()) == [0, 1, 2, 3, 4, 50, 51, 52, 53, 54]
    again = load(tmp_path / "pets")
    assert np.array_equal(again.train_images, data.train_images) and again.checksums == data.checksums
    other = load(tmp_path / "pets", dataclasses.replace(GREY, seed=5))
    assert not np.array_equal(other.train_images, data.train_images)


def test_parts_of_a_folder_stay_apart(tmp_path):
    root = folder(tmp_path / "pets", parts=("train", "test", "val"))
    data = load(root)
    assert len(data.train_labels) == 10 and len(data.test_labels) == 10 and len(data.validation[1]) == 10
    chosen_by = load(root, dataclasses.replace(GREY, validate=0.5))
    assert np.array_equal(chosen_by.train_images, data.train_images) and chosen_by.validation is None
    assert sorted(chosen_by.test_images.ravel()) == sorted(data.validation[0].ravel())
    (root / "notes.txt").write_text("no sample")
    (root / "train" / ".hidden.png").write_text("no sample either")
    assert load(root).checksums == data.checksums
    picture(root / "test" / "cow" / "a.png", 3)
    with pytest.raises(TwinspikeError, match="class 'cow' is in test but not in train"):
        load(root)


def test_groups_are_never_split(tmp_path):
    root = folder(tmp_path / "pets", each=9)
    settings = dataclasses.replace(GREY, group=r"/(s\d)_", test=0.3)
    data = load(root, settings)
    speaker = lambda images: set((images[:, 0, 0] % 50 % 3).tolist())  # noqa: E731
    assert len(speaker(data.test_images)) == 1 and not speaker(data.test_images) & speaker(data.train_images)
    tried = load(root, dataclasses.replace(settings, validate=0.5))
    assert len(speaker(tried.test_images)) == 1 == len(speaker(tried.train_images))
    assert not (speaker(tried.test_images) | speaker(tried.train_images)) & speaker(data.test_images)
    with pytest.raises(TwinspikeError, match="finds nothing in this name"):
        load(root, dataclasses.replace(settings, group="speaker"))
    with pytest.raises(TwinspikeError, match="is no regular expression"):
        load(root, dataclasses.replace(settings, group="("))


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_images_are_fitted(tmp_path, fit):
    path = tmp_path / "pets" / "cat" / "wide.png"
    folder(tmp_path / "pets")
    Image.fromarray(np.full((4, 8), 200, np.uint8)).save(path)
    data = load(tmp_path / "pets", DataSettings(size=(8, 8), fit=fit))
    images = np.concatenate([data.train_images, data.test_images])
    assert images.shape[1:] == (8, 8)
    wide = images[images.max(axis=(1, 2)) == 200][0]
    assert (wide == 200).all(axis=1).sum() == (4 if fit == "pad" else 8)


def test_colour_channels_come_last_and_may_be_merged(tmp_path):
    root = folder(tmp_path / "pets", mode="RGB")
    assert load(root).shape == (6, 5, 3)
    assert load(root, dataclasses.replace(GREY, channels=1)).shape == (6, 5)
    light = load(root, dataclasses.replace(GREY, channels=3, invert=True))
    assert set(np.unique(light.train_images[..., 1])) == {255}


def test_arrays_in_one_file(tmp_path):
    path = tmp_path / "mine.npz"
    x, y = np.arange(40 * 6, dtype=np.uint8).reshape(40, 2, 3), np.arange(40) % 4
    np.savez(path, x=x, y=y)
    data = load(path)
    assert data.shape == (2, 3) and len(data.test_labels) == 8 and data.class_names == ("0", "1", "2", "3")
    np.savez(path, x=x, y=np.array(["a", "b"])[y % 2], x_test=x[:4], y_test=np.array(["a", "b", "a", "b"]))
    data = load(path)
    assert len(data.train_labels) == 40 and data.test_labels.tolist().count(0) == 2
    np.savez(path, x=x, y=y, group=np.arange(40) // 10)
    data = load(path)
    assert set(data.test_images[:, 0, 0] // 60) <= {0, 1, 2, 3} and len(data.test_labels) == 10
    spikes = np.random.default_rng(1).integers(0, 2, (40, 4, 5, 6, 2)).astype(bool)
    np.savez(path, x=spikes, y=y)
    data = load(path, encoding=Spikes())
    assert data.shape == (4, 5, 6, 2) and data.train_images.dtype == np.uint8


def test_a_table_of_features(tmp_path):
    path = tmp_path / "flowers.csv"
    rows = [f"{i / 10},{-i},{['rose', 'tulip'][i % 2]},garden{i % 4}" for i in range(20)]
    path.write_text("\ufeffwidth,height,kind,garden\n" + "\n".join(rows), encoding="utf-8")
    data = load(path, DataSettings(label="kind", group="garden"))
    assert data.shape == (2,) and data.class_names == ("rose", "tulip")
    everything = np.concatenate([data.train_images, data.test_images])
    assert everything.min(0).tolist() == [0, 0] and everything.max(0).tolist() == [255, 255]
    assert (everything.sum(axis=1) == 255).all()
    path.write_text("a,b\n1,x\ny,z\n")
    with pytest.raises(TwinspikeError, match=r"line 3: a = 'y' is not allowed: expected a number"):
        load(path)


def test_recordings_of_events_become_spikes(tmp_path):
    for name, x in (("left", 3), ("right", 30)):
        for i in range(4):
            path = tmp_path / "moves" / name / f"{i}.bs2"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes([x, 7, 0x80, 0, i]) + bytes([x, 8, 0, 0x27, 0x10 + i]))
    data = load(tmp_path / "moves", DataSettings(), Events(step=10_000))
    assert data.shape == (4, 34, 34, 2) and data.class_names == ("left", "right")
    right = data.train_images[data.train_labels == 1][0]
    assert {tuple(i) for i in np.argwhere(right)} == {(0, 7, 30, 1), (1, 8, 30, 0)}
    with pytest.raises(TwinspikeError, match=r"holds recordings of events, but encoder.kind = 'latency' "):
        load(tmp_path / "moves", DataSettings())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: None, "does not exist: give a folder, an .npz or a .csv file"),
        (lambda root: root.mkdir(), "holds no samples: expected a subfolder per class"),
        (lambda root: folder(root, classes=("cat",)), "has one class, 'cat': 2 or more are needed"),
        (lambda root: folder(root, each=1), "class 0 has 1 sample: 2 are needed"),
        (lambda root: (folder(root) / "cat" / "b.png").write_bytes(b"no png"), "b.png: is no picture"),
        (
            lambda root: (folder(root) / "cat" / "a.wav").write_bytes(b""),
            "several kinds, 10 of image, 1 of sound (cat/a.wav): keep one kind",
        ),
        (lambda root: folder(root, parts=("test",)), "has test/ but no train/"),
        (lambda root: (folder(root, parts=("test",)) / "train").mkdir(), "has no samples in train/"),
    ],
)
def test_bad_folders_are_refused_in_one_line(tmp_path, make, said):
    make(tmp_path / "pets")
    with pytest.raises(TwinspikeError) as caught:
        load(tmp_path / "pets")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_images_of_several_sizes_need_a_size(tmp_path):
    root = folder(tmp_path / "pets")
    picture(root / "dog" / "big.png", 9, size=(9, 9))
    with pytest.raises(TwinspikeError, match=r"big.png: is 9 x 9, s0_0.png 6 x 5: give all one size with"):
        load(root, DataSettings())


def test_a_configuration_finds_its_data_beside_itself(tmp_path, monkeypatch):
    folder(tmp_path / "project" / "pets")
    table = {"dataset": "./pets", "data": {"size": [6, 5]}, "layers": [{"neurons": 4}]}
    config = dataclasses.replace(
        config_from_table("mine", table), given=str(tmp_path / "project" / "mine.toml")
    )
    monkeypatch.chdir(tmp_path)
    assert config_dataset(config, progress=False).shape == (6, 5)
    assert config.table()["data"]["size"] == (6, 5) and "[data]" in config.toml()
    assert "data" not in config_from_table("plain", {"layers": [{"neurons": 4}]}).table()


def test_data_that_has_changed_is_noticed(tmp_path):
    root = folder(tmp_path / "pets")
    config = config_from_table("mine", {"dataset": str(root), "layers": [{"neurons": 4}]})
    before = load(root)
    network = type("N", (), {"provenance": {"data_checksums": before.checksums}, "name": "mine"})()
    check_data(network, before, config)
    picture(root / "cat" / "s0_0.png", 77)
    with pytest.raises(TwinspikeError, match=r"has changed since mine was trained .*: put it back, or train"):
        check_data(network, load(root), config)


def test_classes_left_out_are_there_to_be_enrolled(tmp_path):
    root = folder(tmp_path / "pets", classes=("cat", "cow", "dog"), parts=("train", "test", "val"))
    table = {"dataset": str(root), "timesteps": 4, "data": {"classes": 2}, "layers": [{"neurons": 4}]}
    config = config_from_table("pets", table)
    data, every = config_dataset(config, progress=False), complete_dataset(config, progress=False)
    assert data.class_names == ("cat", "cow") and every.class_names == ("cat", "cow", "dog")
    for labels in (data.train_labels, data.test_labels, data.validation[1]):
        assert sorted(set(labels.tolist())) == [0, 1]
    assert set(every.test_labels.tolist()) == {0, 1, 2} and every.checksums == data.checksums
    # Images go with their labels: a pixel is 50 times its class and its number.
    assert np.array_equal(data.train_images[:, 0, 0] // 50, data.train_labels)
    for classes in (1, 3):
        with pytest.raises(
            TwinspikeError, match=f"data.classes = {classes}: dataset pets has the labels 0 to 2"
        ):
            every.of_classes(classes)


def test_classes_of_references_alone_are_left_out_where_training_shows_others(tmp_path):
    pets = load(folder(tmp_path / "pets", ("cat", "cow", "dog")))
    both = dataclasses.replace(
        pets, train_images=pets.train_images[:4], train_labels=np.arange(4) + 7, taught=pets
    )
    left = both.of_classes(2)
    assert np.array_equal(left.train_labels, both.train_labels)
    assert set(left.taught.train_labels.tolist()) == set(left.test_labels.tolist()) == {0, 1}
    assert left.test_images is left.taught.test_images
    with pytest.raises(TwinspikeError, match=r"data\.classes = 3: dataset pets"):
        both.of_classes(3)


def test_other_classes_train_beside_and_references_are_of_the_own_ones(tmp_path):
    data = load(folder(tmp_path / "pets"))
    more = dataclasses.replace(data, name="plants", train_labels=data.train_labels + 1, checksums={"p": "0"})
    both = data.beside(more)
    assert both.taught is data and both.classes == 2 + 3 and both.checksums == data.checksums | {"p": "0"}
    assert np.array_equal(both.train_images, np.concatenate([data.train_images, data.train_images]))
    assert np.array_equal(both.train_labels, np.concatenate([data.train_labels, data.train_labels + 3]))
    assert np.array_equal(both.test_images, data.test_images)
    with pytest.raises(TwinspikeError, match=r"samples of plants are \[6\], those of pets \[6, 5\]"):
        data.beside(dataclasses.replace(more, train_images=more.train_images[:, :, 0]))
