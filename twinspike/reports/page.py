"""``make report``: one self-contained HTML page about a configuration."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from twinspike.config import Config
from twinspike.hw.devices import DEVICES
from twinspike.model.data.dataset import Dataset
from twinspike.model.data.load import config_dataset
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import replacing_folder, write_atomically
from twinspike.numerics.progress import Bar
from twinspike.quant.class_names import class_names
from twinspike.sim import golden

from ..flow.folders import GENERIC
from ..flow.plans import make_plan_for
from ..flow.record import synthesis
from ..flow.results import Results, read_results
from . import figures, histograms, numbers, peers, samples, silicon
from .beside import shipped_figures
from .files import links
from .layers import LayerRow, layer_rows
from .matrices import matrices
from .render import render
from .summary import microseconds, print_summary, summary, summary_rows

__all__ = ["print_summary", "summary", "write_report"]

# Enough for samples and the map; the figures over the whole test set come from metrics.json.
IMAGES = 1000
# Membranes are kept for fewer: 32 bits a neuron and step.
MEMBRANE_IMAGES = 100
_RESOURCES = {
    "logic_cells": "logic cells",
    "flipflops": "flip-flops",
    "ram_blocks": "block RAMs",
    "spram": "SPRAM",
    "dsp": "DSP",
}


@dataclasses.dataclass(frozen=True)
class _Images:
    """The first test images with what the golden model makes of them."""

    images: np.ndarray
    labels: np.ndarray
    spikes: np.ndarray
    trace: golden.Trace


def write_report(build: Path, config: Config) -> Path:
    """Write ``build/report/index.html`` and return its path.

    `build` is the configuration's folder. What no step has made yet is named on the page with the command
    that makes it; without a network, or for a torn file, raises TwinspikeError and
    leaves an earlier report as it was.
    """
    results = read_results(build, config)
    page = _page(results, config, build)
    folder = build / "report"
    with replacing_folder(folder) as work:
        write_atomically(work / "index.html", page)
    return folder / "index.html"


def _page(results: Results, config: Config, build: Path) -> str:
    run, problem = _run_images(results, config)
    metrics = results.metrics or {}
    layers = _layers(results, run, config)
    return render(
        "page.html.j2",
        title=config.name,
        notes=[*results.notes, *([problem] if problem else [])],
        encoding=config.encoder.kind,
        tiles=_tiles(results),
        headline=summary_rows(results),
        layers=layers,
        samples=_samples(results, run),
        pictures=_pictures(results, run),
        matrices=matrices(results),
        simulation=_simulation(results),
        verification=metrics.get("verification", {}),
        metrics=metrics,
        beside=shipped_figures(config, results.metrics),
        devices=[_device(results, target, build) for target in results.synths],
        energy=_energy(results),
        peers=_peers(results, config) if config.dataset == peers.DATASET else [],
        files=links(build),
        csv=numbers.address(numbers.as_csv(numbers.rows(results, layers))),
        provenance=_provenance(results),
    )


def _run_images(results: Results, config: Config) -> tuple[_Images | None, str]:
    """Golden model on the first test images, or None and why there are no images."""
    try:
        dataset: Dataset = config_dataset(config)
    except TwinspikeError as error:
        return None, f"no image figures: {error}"
    network = results.network
    if dataset.shape != network.shape:
        raise TwinspikeError(
            f"network {network.name!r} takes images {list(network.shape)} but {config.dataset} has "
            f"{list(dataset.shape)}: train it on this configuration's dataset (make train)"
        )
    images, labels = dataset.test_images[:IMAGES], dataset.test_labels[:IMAGES]
    spikes = network.encode(images)
    return _Images(images, labels, spikes, golden.run(network, spikes)), ""


def _layers(results: Results, run: _Images | None, config: Config) -> list[LayerRow]:
    """The table of layers; without a core, for a network of which none can be made, without its clocks."""
    if run is None:
        return []
    try:
        plan = make_plan_for(config, results.network, GENERIC)
    except TwinspikeError:
        plan = None
    return layer_rows(results.network, run.spikes, run.trace, plan)


def _tiles(results: Results) -> list[tuple[str, str, str]]:
    """The four figures that open the page, as (figure, what it is, in which circumstances)."""
    tiles = []
    if results.metrics:
        f1 = results.metrics["macro_f1"]
        tiles.append((f"{100 * f1:.2f}%", "macro-F1", "integer network, all test images"))
    if results.runs:
        compared = sum(run["spikes_compared"] for run in results.runs)
        wrong = sum(run["mismatches"] for run in results.runs)
        tiles.append((f"{wrong:,}", "spikes differ", f"of {compared:,}, RTL against Python"))
    builds = [synthesis(results, target) for target in results.synths]
    timed = [build for build in builds if "latency_us" in build]
    if timed:
        best = min(timed, key=lambda build: build["latency_us"])
        time = microseconds(best["latency_cycles"]["median"], best["fmax_min_mhz"])
        tiles.append((f"{time} µs", "latency, median image", best["device"]))
    if builds:
        least = min(builds, key=lambda build: build["logic_cells_available"])
        share = least["logic_cells"] / least["logic_cells_available"]
        tiles.append((f"{least['logic_cells']:,}", "logic cells", f"{share:.0%} of {least['device']}"))
    return tiles


def _samples(results: Results, run: _Images | None) -> list[samples.Sample]:
    if run is None:
        return []
    return [
        samples.tell(results.network, run.images[i], int(run.labels[i]), run.spikes, run.trace, i)
        for i in samples.choose(run.labels, run.trace.results.label)
    ]


def _pictures(results: Results, run: _Images | None) -> dict[str, figures.Picture]:
    """Every figure with axes whose data is there, by name."""
    jobs: dict[str, Callable[[], figures.Picture]] = {}
    if results.history:
        jobs["learning"] = partial(figures.learning_curves, results.history)
    if any(layer.synapses.fires and layer.weight.size for layer in results.network.layers):
        jobs["weights"] = partial(histograms.weights, results.network)
    if run is not None:
        few = golden.run(results.network, run.spikes[:, :MEMBRANE_IMAGES], membranes=True)
        jobs["membranes"] = partial(histograms.membranes, results.network, few.membranes or ())
        trace, references = run.trace, results.network.references
        jobs["embedding"] = partial(
            figures.embedding_map,
            trace.output_counts,
            run.labels,
            trace.results.label,
            references,
            class_names(results.network),
        )
    for kind, name in (("interval", "back_to_back"), ("latency", "alone")):
        if spread := results.cycles(name, kind):
            jobs[kind] = partial(figures.cycle_histogram, kind, spread)
    with Bar(jobs.items(), desc="figures", unit="figure") as bar:
        return {name: draw() for name, draw in bar}


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


def _device(results: Results, target: str, build: Path) -> dict[str, Any]:
    """One device's bars: (name, used, available) of each resource, (seed, MHz) of each placement.

    Its blocks, and the path that bounds the slowest seed's clock, where the tools' files are still there.
    """
    synth = results.synths[target]
    folder = build / target / "synth"
    slowest = synth["seeds"][synth["fmax_mhz"].index(min(synth["fmax_mhz"]))]
    return {
        "name": DEVICES[target].title,
        "resources": [
            (name, synth[key], synth[f"{key}_available"])
            for key, name in _RESOURCES.items()
            if synth.get(f"{key}_available")
        ],
        "seeds": list(zip(synth["seeds"], synth["fmax_mhz"], strict=True)),
        "slowest": synth["fmax_min_mhz"],
        "blocks": silicon.blocks(folder / "netlist.json"),
        "slowest_seed": slowest,
        "path": silicon.critical_path(folder / f"seed{slowest}.json"),
        "fastest": max(one["fmax_max_mhz"] for one in results.synths.values()),
    }


def _energy(results: Results) -> list[tuple[str, float, str]]:
    """What an image costs in each part of the core: its name, its share, and what is said of it."""
    found = results.energy or {"parts": [], "modelled_uj": {}}
    rows = []
    for part in found["parts"]:
        said = [f"{part['changes_per_image']:,.0f} bits", f"{part['share']:.1%}"]
        said += [f"{part['share'] * uj:.3g} µJ on {device}" for device, uj in found["modelled_uj"].items()]
        rows.append((part["part"], part["share"], ", ".join(said)))
    return rows


def _peers(results: Results, config: Config) -> list[peers.Row]:
    accuracy = results.metrics["accuracy"] if results.metrics else None
    builds = [synthesis(results, target) for target in results.synths]
    return peers.compare(peers.published()["accelerators"], config.name, accuracy, builds, config.dataset)


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
