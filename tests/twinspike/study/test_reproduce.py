"""The frame that measures methods: parts kept by content, verdicts from figures, documents from both."""

import dataclasses
import json

import pytest

from twinspike.cli import main
from twinspike.documents import methods as tables
from twinspike.documents.tables import NOT_YET, Figures
from twinspike.executor import Store, in_this_process
from twinspike.study import reproduce as frame
from twinspike.study.methods import registry
from twinspike.study.methods.method import Goal, Method, Part

CALLS = []
RUN = {"run": "alone", "frames": 4, "spikes_compared": 80, "mismatches": 0, "cycles_predicted_equal": True}
CORE = {
    "target": "up5k",
    "latency": 1234.0,
    "logic_cells": 99,
    "ram_blocks": 3,
    "sim": [
        {"run": "alone", "frames": 4, "spikes_compared": 80, "mismatches": 0, "cycles_predicted_equal": True}
    ],
}


def part(place, what, figure):
    CALLS.append(what)
    assert place.folder.is_dir()
    return {"accuracy": figure, "core": CORE}


def judge(parts):
    return [Goal("accuracy", f"{parts['mine']['accuracy']:.2f}", "0.90", parts["mine"]["accuracy"] >= 0.9)]


MADE = Method(
    name="made",
    title="A made method",
    arxiv=("0000.00000",),
    implemented="all",
    missing="nothing",
    data="none",
    paper_figure="1.0 on none",
    parts=(Part("mine", part, ("mine", 0.95)), Part("control", part, ("control", 0.8), lambda: ["checksum"])),
    goals=judge,
    ties="as it likes",
)


@pytest.fixture(autouse=True)
def methods(monkeypatch):
    CALLS.clear()
    monkeypatch.setattr(frame, "code_version", lambda: "code")
    monkeypatch.setattr(frame, "source_hash", lambda *a, **k: "own")
    for method in (MADE, dataclasses.replace(MADE, name="other")):
        monkeypatch.setitem(registry.METHODS, method.name, method)


def measured(tmp_path, *names):
    path = tmp_path / "reproduce.json"
    store = Store.at(tmp_path / "runs")
    frame.reproduce(names, store, path, executor=in_this_process(), progress=False)
    return json.loads(path.read_text())["methods"]


def test_parts_are_kept_and_rows_of_other_methods_stay(tmp_path):
    measured(tmp_path, "made")
    rows = measured(tmp_path, "other", "made")
    assert CALLS == ["mine", "control", "mine", "control"]
    assert [row["name"] for row in rows] == ["made", "other"]
    assert rows[0]["goals"] == [{"what": "accuracy", "ours": "0.95", "wanted": "0.90", "met": True}]


def test_data_and_arguments_count(tmp_path, monkeypatch):
    measured(tmp_path, "made")
    changed = Part("control", part, ("control", 0.8), lambda: ["another checksum"])
    monkeypatch.setitem(registry.METHODS, "made", dataclasses.replace(MADE, parts=(MADE.parts[0], changed)))
    measured(tmp_path, "made")
    assert CALLS == ["mine", "control", "control"]


def test_documents_have_methods_that_were_measured_and_no_others(tmp_path):
    empty = Figures({}, {}, {})
    assert NOT_YET in tables.methods(empty, "") and NOT_YET in tables.method_cores(empty, "")
    figures = Figures({}, {}, {"reproduce": {"methods": measured(tmp_path, "made")}})
    text = tables.methods(figures, "")
    assert "`made`: A made method" in text and "`other`" not in text
    assert "accuracy: 0.95 (0.90)" in text and "control: accuracy 0.8000" in text and "reached" in text
    assert "1,234 clocks" in text and "as it likes" in tables.method_ties(figures, "")
    assert "| alone | 4 | 80 | 0 | every image |" in tables.method_cores(figures, "")


def test_a_goal_that_is_missed_is_named_in_the_verdict(tmp_path, monkeypatch):
    low = dataclasses.replace(MADE, parts=(Part("mine", part, ("mine", 0.5)), MADE.parts[1]))
    monkeypatch.setitem(registry.METHODS, "made", low)
    figures = Figures({}, {}, {"reproduce": {"methods": measured(tmp_path, "made")}})
    assert "0 of 1 reached; not: accuracy" in tables.methods(figures, "")


def test_an_unknown_method_is_refused_in_one_line(capsys):
    assert main(["reproduce", "sgl-tresh"]) == 2
    assert "method 'sgl-tresh' is unknown: did you mean sgl-thresh?" in capsys.readouterr().err


def test_the_table_of_traffic_has_networks_and_nearest_neighbours():
    network = {"accuracy": 0.5, "hidden_activity": 0.25, "shape": [8, 4, 2], "timesteps": 3}
    parts = {"mine": network, "nearest": {"accuracies": {"counts": 0.4}}}
    figures = Figures({}, {}, {"reproduce": {"methods": [{"name": "traffic", "goals": [], "parts": parts}]}})
    text = tables.method_traffic(figures, "")
    assert "| network: mine | 8-4-2, T = 3 | 0.5000 | 25.0% |" in text and "| counts |  | 0.4000 |  |" in text
    assert NOT_YET in tables.method_traffic(Figures({}, {}, {}), "")


def test_the_table_of_networks_has_those_whose_weights_were_counted():
    network = {
        **{"accuracy": 0.5, "hidden_activity": 0.25, "shape": ["4x2x1", 4, 2], "timesteps": 3},
        **{"weights": 1240, "weight_memory_bits": 4960, "epochs": 6, "train_cpu_seconds": 90.0},
    }
    tied = network | {"accuracy_ties_right": 0.75, "ties": 0.125}
    parts = {
        **{"shared": network, "tied": tied},
        **{"nearest": {"accuracies": {"counts": 0.4}}, "older": {"accuracy": 0.3}},
    }
    figures = Figures({}, {}, {"reproduce": {"methods": [{"name": "sharing", "goals": [], "parts": parts}]}})
    assert tables.method_networks(figures, "").strip().split("\n")[2:] == [
        "| `sharing` | shared | 4x2x1-4-2, T = 3 | 1,240 | 4,960 | 0.5000 |  | 25.0% | 6 | 1.5 |",
        "| `sharing` | tied | 4x2x1-4-2, T = 3 | 1,240 | 4,960 | 0.5000 | 0.7500, 12.5% of images tie "
        "| 25.0% | 6 | 1.5 |",
    ]
