"""Results and files by content, on a path and behind fsspec."""

import sys

import pytest

from twinspike.executor import Store
from twinspike.numerics.errors import TwinspikeError


@pytest.fixture(params=["path", "file", "memory"])
def store(request, tmp_path):
    return Store.at(tmp_path if request.param == "path" else f"{request.param}://{tmp_path}/runs")


def test_a_result_comes_back_and_others_are_not_there(store):
    assert store.row("a") is None
    store.write("a", {"f1": 0.5, "list": [1, 2]})
    assert store.row("a") == {"f1": 0.5, "list": [1, 2]} and store.row("b") is None


def test_a_workplace_has_the_files_of_the_one_before(store):
    with store.workplace("a") as place:
        (place.folder / "checkpoint").write_bytes(b"one")
        place.save()
        (place.folder / "other").write_bytes(b"two")
        (place.folder / "checkpoint").write_bytes(b"three")
        place.save()
    with store.workplace("a") as place:
        assert (place.folder / "checkpoint").read_bytes() == b"three"
        assert (place.folder / "other").read_bytes() == b"two"
        (place.folder / "checkpoint").unlink()
        place.save()
    store.write("a", {"x": 1})
    with store.reading("a") as folder:
        assert {path.name for path in folder.iterdir()} == {"other", "row.json"}
    with store.workplace("b") as place:
        assert not list(place.folder.iterdir())


def test_a_torn_result_counts_as_none(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "row.json").write_text('{"f1": 0.')
    assert Store.at(tmp_path).row("a") is None


def test_a_relative_path_is_the_same_for_workers_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Store.at("runs") == Store.at(tmp_path / "runs")


def test_an_unknown_protocol_is_refused_in_one_line():
    with pytest.raises(TwinspikeError, match=r"^nowhere://x: .*nowhere"):
        Store.at("nowhere://x")


def test_a_url_without_fsspec_is_refused_before_any_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises((ModuleNotFoundError, ValueError)):
        Store.at("s3://bucket/runs")
