"""``make report``: one self-contained HTML page about a configuration, and its figures as PNG."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from tqdm import tqdm

from twinspike import __version__
from twinspike.config import Config, load_config
from twinspike.model.datasets import Dataset, load_dataset
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import replacing_folder, write_atomically
from twinspike.sim import golden

from . import figures, samples
from .results import Results, read_results
from .summary import print_summary, summary, summary_rows

__all__ = ["print_summary", "summary", "write_report"]

# Enough for samples and the map; the figures over the whole test set come from metrics.json.
IMAGES = 1000


@dataclasses.dataclass(frozen=True)
class _Images:
    """The first test images with what the golden model makes of them."""

    images: np.ndarray
    labels: np.ndarray
    spikes: np.ndarray
    trace: golden.Trace


def write_report(build: Path, config_name: str) -> Path:
    """Write ``build/report/index.html`` with its PNGs and return its path.

    `build` is the folder of one configuration. What no step has made yet is named on the page with
    the make target that makes it; without a network, or for a torn file, raises TwinspikeError and
    leaves an earlier report as it was.
    """
    results = read_results(build)
    config = load_config(config_name)
    folder = build / "report"
    with replacing_folder(folder) as work:
        _write_page(work, results, config)
    return folder / "index.html"


def _write_page(folder: Path, results: Results, config: Config) -> None:
    run, problem = _run_images(results, config.dataset)
    metrics = results.metrics or {}
    context = {
        "title": config.name,
        "version": __version__,
        "notes": [*results.notes, *([problem] if problem else [])],
        "coding": config.encoder.kind,
        "headline": summary_rows(results),
        "samples": _samples(results, run, folder),
        "pictures": _pictures(results, run, folder),
        "simulation": _simulation(results),
        "verification": metrics.get("verification", {}),
        "metrics": metrics,
        "synths": results.synths,
        "provenance": _provenance(results),
    }
    source = resources.files("twinspike").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    write_atomically(folder / "index.html", environment.from_string(source).render(context))


def _run_images(results: Results, dataset_name: str) -> tuple[_Images | None, str]:
    """Golden model on the first test images, or None and why there are no images."""
    try:
        dataset: Dataset = load_dataset(dataset_name)
    except TwinspikeError as error:
        return None, f"no image figures: {error}"
    network = results.network
    if dataset.shape != network.shape:
        raise TwinspikeError(
            f"network {network.name!r} takes images {list(network.shape)} but {dataset_name} has "
            f"{list(dataset.shape)}: train it on this configuration's dataset (make train)"
        )
    images, labels = dataset.test_images[:IMAGES], dataset.test_labels[:IMAGES]
    spikes = network.encode(images)
    return _Images(images, labels, spikes, golden.run(network, spikes)), ""


def _samples(results: Results, run: _Images | None, folder: Path) -> list[samples.Sample]:
    if run is None:
        return []
    chosen = samples.choose(run.labels, run.trace.results.label)
    return [
        samples.draw(results.network, run.images[i], int(run.labels[i]), run.spikes, run.trace, i, folder)
        for i in tqdm(chosen, desc="samples", unit="image", disable=None)
    ]


def _pictures(results: Results, run: _Images | None, folder: Path) -> dict[str, figures.Picture]:
    """Every figure whose data is there, by name."""
    metrics = results.metrics or {}
    labels = sorted({int(label) for label in results.network.references.labels})
    spreads = {
        title: spread
        for title, spread in (
            ("interval", results.cycles("back_to_back", "interval")),
            ("latency", results.cycles("alone", "latency")),
        )
        if spread
    }
    jobs: dict[str, tuple[Any, Callable[[], figures.Picture]]] = {
        "references": (True, lambda: figures.reference_distances(results.network.references, folder)),
        "confusion": (
            "confusion" in metrics,
            lambda: figures.confusion(
                metrics["confusion"], _class_names(metrics["confusion"], labels), folder
            ),
        ),
        "learning": (results.history, lambda: figures.learning_curves(results.history, folder)),
        "embedding": (
            run is not None,
            lambda: figures.embedding_map(run.trace.output_counts, run.labels, folder),
        ),
        "cycles": (spreads, lambda: figures.cycle_histograms(spreads, folder)),
        "utilisation": (results.synths, lambda: figures.utilisation(results.synths, folder)),
        "fmax": (results.synths, lambda: figures.fmax(results.synths, folder)),
    }
    wanted = {name: draw for name, (there, draw) in jobs.items() if there}
    with tqdm(wanted.items(), desc="figures", unit="figure", disable=None) as bar:
        return {name: draw() for name, draw in bar}


def _class_names(matrix: list, labels: list[int]) -> list[int]:
    """The references' labels if there is one a row, else the rows' numbers."""
    return labels if len(labels) == len(matrix) else list(range(len(matrix)))


def _simulation(results: Results) -> list[dict[str, str]]:
    """The table of simulated runs, as text."""
    rows = []
    for row in results.runs:
        predicted = row.get("cycles_predicted_equal")
        rows.append(
            {
                "run": str(row["run"]).replace("_", " "),
                "target": str(row.get("target", "")),
                "simulator": str(row.get("simulator", "")),
                "images": f"{row['frames']:,}",
                "spikes": f"{row['spikes_compared']:,}",
                "mismatches": f"{row['mismatches']:,}",
                "cycles": "–" if predicted is None else "equal" if predicted else "DIFFERENT",
            }
        )
    return rows


def _provenance(results: Results) -> list[tuple[str, str]]:
    """Where it all came from: network hash, settings, data, versions, tools."""
    network = results.network
    rows = [("network SHA-256", network.content_hash)]
    known: Mapping[str, Any] = {k: v for k, v in network.provenance.items() if k != "metrics"}
    for key, value in known.items():
        rows.append(
            (key.replace("_", " "), value if isinstance(value, str) else json.dumps(value, sort_keys=True))
        )
    if results.metrics and "train_seconds" in results.metrics:
        rows.append(("training", f"{results.metrics['train_seconds']:,.0f} s"))
    for target, synth in results.synths.items():
        tools = ", ".join(f"{name} {version}" for name, version in sorted(synth["tools"].items()))
        times = ", ".join(f"{seconds:.0f}" for seconds in synth["nextpnr_seconds"])
        rows.append((f"{target}: tools", tools))
        rows.append((f"{target}: seconds", f"yosys {synth['yosys_seconds']:.0f}, nextpnr {times}"))
    return rows
