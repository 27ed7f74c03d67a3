"""`twinspike data`: what is verified, what is only there, and what is missing."""

import pytest

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
