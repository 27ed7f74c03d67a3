"""Event files say what the training log says."""

import json
import struct

import pytest

from twinspike.cli.main import main

proto = pytest.importorskip("tensorboardX.proto.event_pb2", reason="tensorboardX is not installed")

SMALL = """
[[layers]]
neurons = 12
[[layers]]
neurons = 6
[training]
epochs = 2
images = 300
"""


def events(folder):
    """The scalars of all event files, {(tag, step): value}: TFRecords, read by their frames alone."""
    found = {}
    for path in folder.iterdir():
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = proto.Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            for value in event.summary.value:
                if value.WhichOneof("value") == "simple_value":
                    found[value.tag, event.step] = value.simple_value
    return found


def test_event_files_hold_the_log_and_the_figures_at_its_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(SMALL)
    build = tmp_path / "build" / "small"
    main(["train", "--config", "small.toml"])
    assert not (build / "tensorboard").exists()
    # Written anew at each training, and from the log so far where one goes on.
    for options in ([], ["--resume"]):
        main(["train", "--config", "small.toml", "--tensorboard", *options])
        log = [json.loads(line) for line in (build / "train.jsonl").read_text().splitlines()]
        metrics = json.loads((build / "metrics.json").read_text())
        found = events(build / "tensorboard")
        told = {
            (f"training/{key}", row["epoch"]): x for row in log for key, x in row.items() if key != "epoch"
        }
        told |= {(f"test/{key}", 2): metrics[key] for key in ("macro_f1", "accuracy", "macro_f1_knn")}
        assert len(log) == 2
        assert {key: found.get(key) for key in told} == pytest.approx(told)


def test_without_the_package_it_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    (tmp_path / "small.toml").write_text(SMALL)
    assert main(["train", "--config", "small.toml", "--tensorboard"]) == 2
    assert "pip install 'twinspike[tensorboard]'" in capsys.readouterr().err
