"""`twinspike data`: what is verified, what is only there, and what is missing."""

import pytest
from PIL import Image

from twinspike.cli.main import main
from twinspike.model.data.folder import DATA_VARIABLE


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    return tmp_path


def test_omniglot_is_never_called_embedded_and_the_missing_archive_is_named(folder, capsys):
    assert main(["data", "omniglot"]) == 2
    out, err = capsys.readouterr()
    assert not out and f"{folder / 'omniglot' / 'images_background.zip'}: the file is missing: put it" in err


def test_recorded_datasets_have_names_too(folder, capsys):
    assert main(["data", "spoken-digits"]) == 2
    assert "recordings.zip: the file is missing" in capsys.readouterr().err
    (folder / "fsdd").mkdir()
    (folder / "fsdd" / "recordings.zip").write_bytes(b"anything")
    assert main(["data", "spoken-digits"]) == 0
    assert "recordings.zip is there (its publisher gives no checksum)" in capsys.readouterr().out


def test_without_a_name_all_are_looked_for_and_the_missing_ones_told(folder, capsys):
    assert main(["data"]) == 0
    out = capsys.readouterr().out
    assert "digits: comes with scikit-learn, nothing to download; 1201 training images" in out
    assert "mnist: " in out and "omniglot: " in out and "datasets can be used; not mnist, fashion" in out


def test_a_name_that_is_nearly_one_is_guessed(folder, capsys):
    assert main(["data", "omniglott"]) == 2
    assert "did you mean omniglot? Else choose digits" in capsys.readouterr().err


@pytest.fixture
def shapes(tmp_path):
    """A folder of two classes, five grey pictures each."""
    for name, level in (("ring", 10), ("star", 200)):
        (tmp_path / "shapes" / name).mkdir(parents=True)
        for i in range(5):
            Image.new("L", (6, 4), level).save(tmp_path / "shapes" / name / f"{i}.png")
    return tmp_path / "shapes"


def test_what_train_refuses_in_a_folder_is_refused(shapes, tmp_path, capsys):
    look = ["data", str(shapes), "--out", str(tmp_path)]
    assert main(look) == 0
    assert "train: 10 samples of 2 classes, 5 each" in capsys.readouterr().out
    (shapes / "star" / "zz.png").write_text("no picture")
    assert main(look) == 2
    assert "zz.png: is no picture: take it away or put a sound copy there" in capsys.readouterr().err
    for file in (shapes / "star").iterdir():
        file.unlink()
    assert main(look) == 2
    assert "has one class, 'ring': 2 or more are needed" in capsys.readouterr().err


def test_sizes_that_differ_and_a_bright_ground_are_told(shapes, tmp_path, capsys):
    look = ["data", str(shapes), "--out", str(tmp_path)]
    for name in ("a", "b"):
        Image.new("L", (9, 8), 250).save(shapes / "ring" / f"{name}.png")
    assert main(look) == 0
    said = capsys.readouterr().out
    assert "2 sizes, 4 x 6 (0.png), 8 x 9 (a.png): data.size = [height, width], data.channels make" in said
    assert "most pixels are bright" in said and "set data.invert = true" in said
    for i in range(5):
        Image.new("L", (6, 4), 20).save(shapes / "star" / f"{i}.png")
    assert main(look) == 0
    assert "most pixels" not in capsys.readouterr().out
