"""Omniglot's archives: what is read, what is refused; batches of several images per class."""

import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from support.optional import needs

from twinspike.config import load_config
from twinspike.model.data import omniglot
from twinspike.model.data.load import config_dataset
from twinspike.model.data.omniglot import centred, load_characters, load_one_shot_runs
from twinspike.model.data.shipped import omniglot_folder
from twinspike.model.inputs.batches import epoch_order, with_quarter_turns
from twinspike.numerics.errors import TwinspikeError


def generator():
    return torch.Generator().manual_seed(5)


def test_ink_is_cut_scaled_and_centred():
    ink = np.zeros((105, 105), dtype=bool)
    ink[3:25, 60:104] = True  # 22 high, 44 wide
    image = centred(ink)
    assert image.shape == (28, 28) and image.dtype == np.uint8
    rows, columns = np.nonzero(image)
    assert (columns.min(), columns.max()) == (3, 24) and (rows.min(), rows.max()) == (8, 18)
    assert np.array_equal(centred(np.roll(ink, (40, -50), (0, 1))), image)
    assert not centred(np.zeros((105, 105), dtype=bool)).any()


def test_order_keeps_images_of_a_class_together_and_loses_none():
    labels = torch.tensor([0, 1, 2, 3, 4] * 8)
    order = epoch_order(labels, 4, generator())
    assert sorted(order.tolist()) == list(range(40))
    groups = labels[order].view(-1, 4)
    assert (groups == groups[:, :1]).all() and len(groups[:, 0].unique_consecutive()) > 5
    assert torch.equal(order, epoch_order(labels, 4, generator()))
    # Classes that do not divide lose none either.
    assert sorted(epoch_order(labels[:33], 4, generator()).tolist()) == list(range(33))
    plain = torch.randperm(40, generator=generator())
    assert torch.equal(epoch_order(labels, 0, generator()), plain)


def test_quarter_turns_are_further_classes():
    images = torch.arange(18, dtype=torch.uint8).view(2, 3, 3)
    turned, labels = with_quarter_turns(images, torch.tensor([1, 0]))
    assert labels.tolist() == [1, 0, 3, 2, 5, 4, 7, 6] and len(turned) == 8
    assert torch.equal(turned[2].rot90(3, (0, 1)), images[0])
    assert torch.equal(turned[4], images[0].flip(0, 1))


def archive(path, files):
    with zipfile.ZipFile(path, "w") as out:
        for name, data in files.items():
            out.writestr(name, data)


def drawing(value=0):
    data = io.BytesIO()
    Image.fromarray(np.full((105, 105), value, dtype=np.uint8)).convert("1").save(data, "png")
    return data.getvalue()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"images_background/A/character01/0001_01.png": drawing()}, "SHA-256"),
        ({"images_background/A/character01/0001_01.png": b"no image"}, "cannot be read"),
        ({"images_background/A/character01/0001_01.png": bytes(1 << 17)}, "too large"),
        (None, "is missing"),
    ],
)
def test_an_archive_that_is_not_omniglots_is_refused_with_one_line(tmp_path, files, says):
    if files:
        archive(tmp_path / "images_background.zip", files)
    with pytest.raises(TwinspikeError) as caught:
        load_characters(tmp_path, "background")
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_no_archive_is_refused_with_one_line(tmp_path):
    (tmp_path / "all_runs.zip").write_bytes(b"PK no")
    with pytest.raises(TwinspikeError, match="cannot be read"):
        load_one_shot_runs(tmp_path)


def test_characters_are_named_by_their_folders(tmp_path, monkeypatch):
    names = [
        f"images_evaluation/{a}/character{c:02d}/{c}_{d:02d}.png"
        for a, c in (("B", 1), ("A", 2))
        for d in (1, 2)
    ]
    archive(tmp_path / "images_evaluation.zip", dict.fromkeys(names, drawing()))
    with pytest.raises(TwinspikeError):
        load_characters(tmp_path, "evaluation")
    monkeypatch.setattr(omniglot, "_CONTENT", {"images_evaluation.zip": _content(names)})
    found = load_characters(tmp_path, "evaluation")
    assert found.alphabets == ("A", "B") and found.character.tolist() == [0, 0, 1, 1]
    assert found.drawing.tolist() == [0, 1, 0, 1] and found.images.shape == (4, 28, 28)


def _content(names):
    import hashlib

    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode() + b"\0" + np.packbits(np.ones((105, 105), dtype=bool)).tobytes())
    return digest.hexdigest()


@needs("datasets")
def test_the_one_shot_runs_ask_for_twenty_characters_each():
    runs = load_one_shot_runs(omniglot_folder())
    assert len(runs) == 20
    for run in runs:
        assert run.known.shape == run.asked.shape == (20, 28, 28)
        assert sorted(run.answer) == list(range(20))


@needs("datasets")
def test_a_network_for_enrolment_never_sees_the_new_digits():
    dataset = config_dataset(load_config("mnist-0-6"), progress=False)
    assert set(dataset.train_labels) == set(dataset.test_labels) == set(range(7))
    assert len(dataset.train_images) == len(dataset.train_labels) == 41_935
