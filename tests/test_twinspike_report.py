"""Report and summary of a made-up build folder: a small random network on the digits, invented figures."""

import io
import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from networks import random_network
from rich.console import Console

from twinspike import figures, report, samples
from twinspike.numerics.codings import Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.report import print_summary, summary, write_report

FIGURES = ("confusion", "references", "embedding", "learning", "cycles", "utilisation", "fmax")


def spread(values):
    return {"min": min(values), "median": float(np.median(values)), "max": max(values), "values": values}


def write_inputs(build, network, *, mismatches=0):
    network.save(build / "network.safetensors")
    origin = {"network_hash": network.content_hash}
    metrics = {
        "macro_f1": 0.9612, "macro_f1_knn": 0.97, "accuracy": 0.96, "baseline_knn_macro_f1": 0.9849,
        "hidden_activity": 0.134, "spikes_per_image": {"input": 30.0, "hidden": 20.5, "output": 12.25},
        "synaptic_operations": 1234.0, "verification": {"roc_auc": 0.99, "eer": 0.04},
        "confusion": (np.eye(10, dtype=int) * 50 + 1).tolist(), "test_images": 600, "train_seconds": 12.5,
    }  # fmt: skip
    row = {"target": "up5k", "simulator": "verilator 5.48.0", "results_compared": 40}
    runs = [
        row | {
            "run": "back_to_back", "frames": 40, "stalls": False, "spikes_compared": 1000,
            "mismatches": mismatches, "cycles_predicted_equal": True,
            "cycles": {"interval": spread([480, 481, 500])},
        },
        row | {
            "run": "alone", "frames": 20, "stalls": False, "spikes_compared": 500, "mismatches": 0,
            "cycles_predicted_equal": True, "cycles": {"latency": spread([600, 700, 800])},
        },
        row | {"run": "stalled", "frames": 20, "stalls": True, "spikes_compared": 500, "mismatches": 0},
    ]  # fmt: skip
    synth = {
        "device": "up5k", "top": "harness", "logic_cells": 2640, "logic_cells_available": 5280,
        "flipflops": 1000, "flipflops_available": 5280, "ram_blocks": 26, "ram_blocks_available": 30,
        "spram": 4, "spram_available": 4, "dsp": 0, "dsp_available": 8, "fmax_mhz": [40.0, 42.0, 44.0],
        "seeds": [1, 2, 3], "fmax_min_mhz": 40.0, "fmax_median_mhz": 42.0, "fmax_max_mhz": 44.0,
        "yosys_seconds": 9.0,
        "nextpnr_seconds": [20.0, 21.0, 22.0], "tools": {"yosys": "0.70"}, "provenance": origin, "cells": {},
    }  # fmt: skip
    (build / "metrics.json").write_text(json.dumps(metrics | origin))
    log = [{"epoch": n, "loss": 4 / n, "hidden_spikes": 0.3, "output_spikes": 1.0} for n in range(1, 6)]
    (build / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    (build / "sim.json").write_text(json.dumps({"runs": runs} | origin))
    (build / "up5k" / "synth").mkdir(parents=True, exist_ok=True)
    (build / "up5k" / "synth" / "synth.json").write_text(json.dumps(synth))


@pytest.fixture(scope="module")
def network():
    return random_network(shape=(8, 8), widths=(12, 6), timesteps=8, classes=10, encoder=Latency(32))


@pytest.fixture(scope="module")
def build(network, tmp_path_factory):
    """The finished report of a complete folder; few images, so that it is quick."""
    folder = tmp_path_factory.mktemp("build") / "digits"
    folder.mkdir()
    write_inputs(folder, network)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "IMAGES", 60)
        patch.setattr(samples, "MOST_SAMPLES", 2)
        write_report(folder, "digits")
    return folder


def page(build):
    return (build / "report" / "index.html").read_text()


def test_every_figure_is_on_the_page_and_beside_it(build):
    for name in FIGURES:
        assert f'<figure id="{name}">' in page(build), name
        assert (build / "report" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "is missing" not in page(build)


def test_nothing_outside_the_page_is_referred_to(build):
    text = page(build)
    assert not re.search(r"https?://|//[a-z]|@import|<script|<link", text)
    targets = re.findall(r'(?:href|src)="([^"]*)"', text)
    assert targets and all(target.startswith(("#", "data:image/png;base64,")) for target in targets)


def test_figures_are_sound_svg_with_ids_of_their_own(build):
    drawings = re.findall(r"<svg.*?</svg>", page(build), re.DOTALL)
    assert len(drawings) > len(FIGURES)
    for drawing in drawings:
        ElementTree.fromstring(drawing)
    ids = re.findall(r'\bid="([^"]*)"', page(build))
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]*)\)", page(build))) <= set(ids)


def test_figures_take_the_colours_of_the_page(build):
    drawing = re.search(r'<figure id="learning">.*?</svg>', page(build), re.DOTALL)[0]
    assert "var(--accent)" in drawing and "currentColor" in drawing
    assert "prefers-color-scheme: dark" in page(build)


def test_samples_can_be_chosen_without_scripts(build):
    text = page(build)
    picks = re.findall(r'<input type="radio" name="sample" id="(pick\d+)"( checked)?>', text)
    assert len(picks) == 2 and [bool(checked) for _, checked in picks].count(True) == 1
    for name, _ in picks:
        assert f'<label for="{name}"' in text and f"#{name}:checked" in text


def test_the_summary_gives_the_figures(build):
    rows = dict(summary(build))
    assert rows["network"] == "64-12-6, T = 8"
    assert rows["weight bits"] == "4"
    assert rows["macro-F1"] == "0.9612 (raw-pixel k-NN 0.9849)"
    assert rows["hidden neurons active"] == "13.4%"
    assert rows["images simulated"] == "40 in 3 runs"
    assert rows["spikes compared"] == "2,000, 0 mismatches"
    assert rows["cycles an image, interval"] == "481 (min 480, max 500)"
    assert rows["cycles an image, latency"] == "700 (min 600, max 800)"
    assert rows["logic cells"] == "2,640 of 5,280 of up5k (50%)"
    assert rows["block RAMs"] == "26 of 30, SPRAM 4 of 4"
    assert rows["Fmax, MHz"] == "40.0 / 42.0 / 44.0 over 3 seeds"
    # 700 and 481 clocks at 40 MHz.
    assert rows["µs an image"] == "17.5 latency, 12 interval at the slowest seed"
    for label, value in rows.items():
        assert label in page(build) and value in page(build)


def test_what_is_missing_is_named_with_its_make_target(network, tmp_path, monkeypatch):
    def unavailable(*_):
        raise TwinspikeError("train-images is missing")

    monkeypatch.setattr(report, "load_dataset", unavailable)
    build = tmp_path / "digits"
    build.mkdir()
    network.save(build / "network.safetensors")
    write_report(build, "digits")
    for name, step in (
        ("metrics.json", "train"),
        ("train.jsonl", "train"),
        ("sim.json", "sim"),
        ("synth.json", "synth"),
    ):
        assert f"{name} is missing: make {step} CONFIG=digits" in page(build)
    assert "no image figures: train-images is missing" in page(build)
    assert re.findall(r'<figure id="(\w+)">', page(build)) == ["references"]
    console = Console(file=io.StringIO(), width=100)
    print_summary(build, console)
    assert "sim.json is missing: make sim CONFIG=digits" in console.file.getvalue()


def test_results_of_another_network_are_named(build, network, tmp_path):
    folder = tmp_path / "digits"
    folder.mkdir()
    write_inputs(folder, network)
    other = random_network(seed=9, shape=(8, 8), widths=(12, 6), timesteps=8, classes=10)
    other.save(folder / "network.safetensors")
    console = Console(file=io.StringIO(), width=120)
    print_summary(folder, console)
    for name in ("metrics.json", "sim.json", "up5k/synth/synth.json"):
        assert f"{name} is of another network ({network.content_hash[:12]})" in console.file.getvalue()


def test_mismatches_stand_out(network, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "_run_images", lambda *_: (None, ""))
    monkeypatch.setattr(report, "_pictures", lambda *_: {})
    write_inputs(tmp_path, network, mismatches=3)
    write_report(tmp_path, "digits")
    assert '<td class="number bad">3</td>' in page(tmp_path)
    assert dict(summary(tmp_path))["spikes compared"] == "2,000, 3 mismatches"


def test_a_failed_report_leaves_the_earlier_one(build, monkeypatch):
    before = page(build)

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(figures, "reference_distances", fail)
    monkeypatch.setattr(report, "_samples", lambda *_: [])
    with pytest.raises(KeyboardInterrupt):
        write_report(build, "digits")
    assert page(build) == before
    assert [path.name for path in build.glob(".report*")] == []


def test_a_torn_file_is_named(network, tmp_path):
    write_inputs(tmp_path, network)
    (tmp_path / "sim.json").write_text('{"runs": [')
    with pytest.raises(TwinspikeError, match=r"sim\.json: cannot be read .*make sim"):
        summary(tmp_path)


def test_a_network_for_other_images_is_refused(tmp_path):
    random_network(shape=(2, 3)).save(tmp_path / "network.safetensors")
    with pytest.raises(TwinspikeError, match=r"takes images \[2, 3\] but digits has \[8, 8\]"):
        write_report(tmp_path, "digits")
    assert not (tmp_path / "report").exists()


def test_thinning_a_raster_loses_no_row_with_a_spike():
    train = np.zeros((3, 784), dtype=bool)
    train[0, 0] = train[1, 400] = train[2, 783] = True
    thin = samples.thinned(train)
    assert thin.shape == (3, 112)
    assert [np.flatnonzero(row).tolist() for row in thin] == [[0], [57], [111]]
    assert np.array_equal(samples.thinned(train[:, :100]), train[:, :100])
