"""Runs on one page: what is measured, which settings differ, how they learnt."""

import json
import re
import shutil
from pathlib import Path

import pytest
from support.networks import random_network

from twinspike.cli.commands import report
from twinspike.cli.main import main
from twinspike.config import load_config
from twinspike.flow import folders
from twinspike.flow.folders import Folders
from twinspike.numerics.encodings import Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.reports.compare import figure_table, read_run, settings_table, write_comparison


@pytest.fixture
def runs(tmp_path):
    """Two runs: one trained for four epochs, with its report, and one of other settings without a log."""
    first = load_config("digits")
    second = first.changed("other", training={"epochs": 60}, layers=[{"neurons": 48}, {}])
    found = []
    for at, config in enumerate((first, second)):
        build = tmp_path / "build" / config.name
        network = random_network(
            seed=at, shape=(8, 8), widths=(12, 6), timesteps=8, classes=10, encoder=Latency(32)
        )
        network.save(build / "network.safetensors")
        figures = {"macro_f1": 0.9 + at / 100, "hidden_activity": 0.2, "epochs": 4}
        (build / "metrics.json").write_text(json.dumps(figures | {"network_hash": network.content_hash}))
        if not at:
            log = [{"epoch": n, "loss": 4 / n} for n in range(1, 5)]
            (build / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
            (build / "report").mkdir()
            (build / "report" / "index.html").write_text("")
        found.append(read_run(build, config))
    return found


def test_figures_stand_side_by_side(runs):
    table = dict(figure_table(runs))
    assert table["macro-F1"] == ["0.9000", "0.9100"]
    assert table["epochs"] == ["4", "4"]


def test_only_settings_that_differ_are_shown(runs):
    assert dict(settings_table(runs)) == {
        "layers.0.neurons": ["96", "48"],
        "training.epochs": ["180", "60"],
    }


def test_a_page_compares_them(runs, tmp_path):
    path = write_comparison(runs, tmp_path / "build" / "compared" / "both")
    text = path.read_text()
    assert "2 runs compared" in text and "layers.0.neurons" in text
    assert [one.name for one in path.parent.iterdir()] == ["index.html"]
    # The run that has a report is linked to, from where the page lies.
    (link,) = re.findall(r'<a href="(\.\.[^"]*)"', text)
    assert (path.parent / link).resolve() == (runs[0].build / "report" / "index.html").resolve()
    assert re.findall(r'<figure id="([\w-]+)"', text) == ["curves"]
    assert "train.jsonl is missing" in text and "<script" not in text


@pytest.fixture
def namesake(runs, tmp_path):
    """A run called as the first one, in another folder, with the figures of the second one."""
    build = tmp_path / "elsewhere" / "digits"
    shutil.copytree(runs[0].build, build)
    (build / "metrics.json").write_text(json.dumps({"macro_f1": 0.91, "hidden_activity": 0.2}))
    return read_run(build, runs[0].config)


def test_runs_of_one_name_are_told_apart_by_their_folders(runs, namesake, tmp_path):
    text = write_comparison([runs[0], namesake], tmp_path / "both").read_text()
    for run in (runs[0], namesake):
        assert text.count(f'<th scope="col">{run.build}</th>') == 1
    assert "All settings are equal." in text


def test_a_run_is_not_compared_with_itself(runs, tmp_path):
    again = read_run(tmp_path / "build" / ".." / "build" / "digits", runs[0].config)
    with pytest.raises(TwinspikeError, match=r"build/digits is named twice"):
        write_comparison([*runs, again], tmp_path / "compared")
    assert not (tmp_path / "compared").exists()


def test_the_printed_table_has_a_column_for_each_of_two_runs_of_one_name(
    runs, namesake, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "_named", lambda name, out: (runs[0].config, Folders(Path(name))))
    monkeypatch.setattr(folders, "find_network", lambda place, chosen: None)
    assert main(["report", "build/digits", "elsewhere/digits"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "macro-F1" in line)
    assert "0.9000" in row and "0.9100" in row


def test_one_run_is_no_comparison(runs, tmp_path):
    with pytest.raises(TwinspikeError, match="1 runs to compare: expected 2 to 8"):
        write_comparison(runs[:1], tmp_path / "one")
    assert not (tmp_path / "one").exists()
