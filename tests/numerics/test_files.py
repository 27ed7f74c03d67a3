import json
import os

import pytest

from twinspike.numerics import files
from twinspike.numerics.errors import TwinspikeError, out_of_range


def test_writes_replace_whole_files_and_leave_nothing_else(tmp_path):
    path = tmp_path / "deep" / "file.json"
    files.write_json(path, {"b": 1, "a": [2]})
    files.write_json(path, {"a": 3})
    assert json.loads(path.read_text()) == {"a": 3} and path.read_text().endswith("}\n")
    assert os.listdir(path.parent) == ["file.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_interrupted_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file.bin"
    files.write_atomically(path, b"old")

    def interrupted(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file.bin"]


def test_unwritable_places_give_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "below"
    with pytest.raises(TwinspikeError) as caught:
        files.write_atomically(path, "text")
    assert str(caught.value) in (
        f"{path}: cannot write: {text}" for text in ("Not a directory", "File exists")
    )


def test_error_texts_are_one_printable_line_of_bounded_length():
    assert str(TwinspikeError("a\nb\t c")) == "a b c"
    assert str(TwinspikeError("\x1b[31m\ud800")) == "\\u001b[31m\\ud800"
    assert len(str(TwinspikeError("x" * 10_000))) == 1000
    assert len(str(out_of_range("key", "y" * 10_000, "less"))) < 150
    huge = str(out_of_range("key", 10**5000, "less"))
    assert huge == "key = an enormous number is not allowed: expected less"


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "out"
    with files.replacing_folder(folder) as work:
        (work / "old").write_text("1")
    with pytest.raises(ZeroDivisionError), files.replacing_folder(folder) as work:
        (work / "new").write_text("2")
        raise ZeroDivisionError
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["old", "out"]
    with files.replacing_folder(folder) as work:
        (work / "new").write_text("2")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["new", "out"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(TwinspikeError, match="cannot write"),
        files.replacing_folder(tmp_path / "file" / "out"),
    ):
        pass
