"""The steps of the flow, each on the outputs of the ones before it. Torch is loaded only to train."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from twinspike.config import Config
from twinspike.flow.folders import Folders, find_network
from twinspike.flow.plans import make_plan_for, test_images
from twinspike.numerics.files import write_atomically, write_json
from twinspike.quant.network import Network

WAVE_FRAMES = 3
# Test images on which plans are compared.
PLANNING_IMAGES = 60
BENCH_PARTS = ("builds", "scaling", "codings", "emission", "throughput")


def train(config: Config, place: Folders, *, resume: bool) -> None:
    """Train and export; prints the figures."""
    from twinspike.model.training import train as run

    metrics = run(config, place.build, resume=resume)
    if metrics:  # one of several processes has them
        _print_metrics(metrics)


def export(config: Config, place: Folders) -> None:
    """Export the checkpoint's network again."""
    from twinspike.model.training import export as run

    _print_metrics(run(config, place.build))


def _print_metrics(metrics: dict[str, Any]) -> None:
    print(
        f"macro-F1 {metrics['macro_f1']:.4f} (one reference a class), {metrics['macro_f1_knn']:.4f} (k-NN); "
        f"raw-pixel k-NN {metrics['baseline_knn_macro_f1']:.4f}; "
        f"hidden neurons active {metrics['hidden_activity']:.1%}; "
        f"torch against golden: {metrics['torch_golden_mismatches']} of "
        f"{metrics['torch_golden_compared']:,} spikes differ"
    )
    for index, row in enumerate(metrics.get("state", [])):
        print(
            f"layers.{index}: {row['state_bits']} state bits serve ({row['configured']} allowed): membranes "
            f"of the training images reach {row['lowest']}..{row['highest']} and clamp in "
            f"{row['clamped']:.3%} of the steps"
        )


def golden(config: Config, place: Folders, frames: int) -> None:
    """Run the golden model over test images; writes golden.npz and prints the accuracy."""
    from twinspike.sim.golden import run

    network = find_network(place, config.name)
    images, labels = test_images(config, network, frames)
    trace = run(network, network.encode(images))
    spikes = {f"layer{i}": np.packbits(s, axis=-1) for i, s in enumerate(trace.spikes)}
    path = place.build / "golden.npz"
    _save_arrays(path, labels=labels, **spikes, **dataclasses.asdict(trace.results))
    right = float((trace.results.label == labels).mean())
    print(
        f"{path}: {len(images):,} frames, accuracy {right:.4f} (spikes bool [T, frames, neurons], bit-packed)"
    )


def rtl(
    config: Config,
    place: Folders,
    target: str,
    *,
    network: Network | None,
    out: Path | None,
    goal: str | None,
) -> None:
    """Write Verilog, RTLIL, memory images and ports.md of the core for one target.

    With a `goal` the planner chooses lanes and banks by what real images cost.
    """
    from twinspike.hw.emit.emit import emit

    network = network or find_network(place, config.name)
    folder = out or place.rtl(target)
    prediction = _planned(config, network, target, goal) if goal else None
    plan = prediction.plan if prediction else make_plan_for(config, network, target)
    emit(plan, folder)
    table = Table(title=f"{folder}: core for {target}", title_justify="left")
    for title in ("layer", "inputs", "neurons", "lanes", "events at once", "clocks an event", "weights"):
        table.add_column(title, justify="right")
    for i, layer in enumerate(plan.layers):
        weights = f"{layer.inputs} x {layer.neurons} x {layer.layer.spec.weight_bits} bits, {layer.memory}"
        row = (i, layer.inputs, layer.neurons, layer.lanes, max(layer.banks, 1), layer.tick_clocks, weights)
        table.add_row(*map(str, row))
    Console().print(table)
    if prediction:
        _print_prediction(prediction)


def _planned(config: Config, network: Network, target: str, goal: str):
    from twinspike.hw.predict.planner import choose
    from twinspike.sim.golden import run

    images, _ = test_images(config, network, PLANNING_IMAGES)
    spikes = network.encode(images)
    return choose(network, target, goal, spikes, run(network, spikes).spikes)


def _print_prediction(prediction) -> None:
    from twinspike.hw.devices import DEVICES

    device = DEVICES[prediction.plan.target]
    spram = f", {prediction.spram} of {device.spram} SPRAM blocks" if device.spram else ""
    cells = "logic cells unknown until make calibrate"
    if prediction.logic_cells is not None:
        cells = f"{prediction.logic_cells:,} of {device.logic_cells:,} {device.logic_cell}s"
    print(
        f"predicted for {PLANNING_IMAGES} test images: median {prediction.latency_cycles:,.0f} cycles alone, "
        f"{prediction.interval_cycles:,.0f} from image to image;\n  "
        f"{prediction.memory_bits:,} memory bits, about {prediction.ram_blocks} of {device.ram_blocks} block "
        f"RAMs{spram}, {cells}"
    )


def sim(
    config: Config,
    place: Folders,
    target: str,
    *,
    frames: int | None,
    simulator: str,
    waves: bool,
    bench: str = "",
) -> bool:
    """Simulate real test images; returns whether every spike, result and cycle is as predicted."""
    from twinspike.hw.emit.emit import emit, is_current
    from twinspike.sim.bench.runner import chosen_bench, simulate
    from twinspike.sim.bench.simulators import find_simulator

    find_simulator(simulator)
    chosen_bench(bench, simulator, waves)
    network = find_network(place, config.name)
    plan = make_plan_for(config, network, target)
    if not is_current(plan, place.rtl(target)):
        emit(plan, place.rtl(target))
    # Waves of a few frames fill a screen; those of hundreds fill a disk.
    usual = WAVE_FRAMES if waves else config.hardware.frames
    images, _ = test_images(config, network, usual if frames is None else frames)
    result = simulate(
        plan, place.rtl(target), network.encode(images), place.sim(target),
        simulator=simulator, bench=bench, waves=waves,
    )  # fmt: skip
    # A look at waves does not replace the report on many frames.
    path = place.sim(target) / "waves.json" if waves else place.sim_report(target)
    write_json(path, result)
    _print_runs(result["runs"], path)
    good = all(
        row["mismatches"] == 0 and not row["faults"] and row.get("cycles_predicted_equal", True)
        for row in result["runs"]
    )
    if waves:
        folder = place.sim(target)
        print(f"waves: cd {folder}; gtkwave waves.fst waves.gtkw")
        print("       or surfer --command-file waves.sucl waves.fst")
    return good


def ip(config: Config, place: Folders, target: str, *, frames: int, out: Path | None) -> None:
    """Write the IP package: Verilog, registers, test benches with golden vectors, constraints, datasheet."""
    from twinspike.ip.package import write_ip

    network = find_network(place, config.name)
    images, labels = test_images(config, network, frames)
    folder = out or place.ip(target)
    plan = make_plan_for(config, network, target)
    summary = write_ip(plan, network.encode(images), labels, folder, place.build)
    print(f"{folder}: {', '.join(summary['tops'])}; {len(images)} golden images; check: make -C {folder}/tb")


def _print_runs(rows: list[dict[str, Any]], path: Path) -> None:
    table = Table(title=f"{path}: RTL against the golden model", title_justify="left")
    for title in ("run", "frames", "spikes compared", "mismatches", "cycles an image", "formula"):
        table.add_column(title, justify="right")
    for row in rows:
        kind = "latency" if row["isolated"] else "interval"
        spread = row.get("cycles", {}).get(kind)
        cycles = f"{kind} {spread['median']:,.0f}" if spread and spread["values"] else "-"
        equal = {True: "equal", False: "DIFFERS", None: "-"}[row.get("cycles_predicted_equal")]
        name = f"{row['target']}, {row['run']}"
        table.add_row(
            name, f"{row['frames']:,}", f"{row['spikes_compared']:,}", str(row["mismatches"]), cycles, equal
        )
    console = Console()
    console.print(table)
    for row in rows:
        for key in ("first_mismatch", "first_cycle_difference"):
            if row.get(key):
                console.print(f"{row['run']}: {row[key]}", style="red", markup=False)
        for fault in row["faults"][:5]:
            console.print(f"{row['run']}: broken rule at {fault}", style="red", markup=False)


def synth(config: Config, place: Folders, targets: list[str], *, seeds: list[int], jobs: int) -> None:
    """Place and route for each target; writes <target>/synth/synth.json."""
    from twinspike.hw.devices import device
    from twinspike.hw.emit.emit import emit
    from twinspike.hw.tools.synthesis import synthesise

    network = find_network(place, config.name)
    for target in targets:
        plan = make_plan_for(config, network, target)
        emit(plan, place.rtl(target))
        result = synthesise(
            place.rtl(target) / "harness.il", "harness", device(target), place.synth(target),
            seeds=seeds, jobs=jobs, provenance={"network_hash": network.content_hash, "config": config.name},
        )  # fmt: skip
        fmax = " / ".join(f"{result[f'fmax_{which}_mhz']:.1f}" for which in ("min", "median", "max"))
        print(
            f"{target}: {result['logic_cells']:,} of {result['logic_cells_available']:,} logic cells, "
            f"{result['ram_blocks']} of {result['ram_blocks_available']} block RAMs, Fmax {fmax} MHz "
            f"(min / median / max of seeds {', '.join(map(str, seeds))})"
        )


def report(config: Config, place: Folders) -> None:
    """Write the HTML report and print the closing table."""
    from twinspike.report.page import write_report
    from twinspike.report.summary import print_summary

    find_network(place, config.name)
    path = write_report(place.build, config.name)
    print_summary(place.build)
    print(f"report: {path}")


def results(config: Config, place: Folders, folder: Path) -> None:
    """Collect the build folder's figures into ``folder/<config>.json``."""
    from twinspike.flow.record import write_record

    find_network(place, config.name)
    print(f"results: {write_record(place.build, config, folder)}")


def docs(root: Path) -> None:
    """Fill README and docs of the repository at `root`."""
    from twinspike.documents.fill import fill_documents

    changed = fill_documents(root)
    print("docs: " + (", ".join(map(str, changed)) if changed else "up to date"))


def data(names: list[str]) -> None:
    """Verify datasets, downloading what is missing."""
    from twinspike.model.datasets import ensure_dataset

    for name in names:
        files = ensure_dataset(name)
        for path in files:
            print(f"{name}: {path} verified")
        if not files:
            print(f"{name}: embedded, nothing to download")


def calibrate(out: Path, root: Path, targets: list[str]) -> None:
    """Fit the model of logic cells for `targets`; writes results/area-*.json and hw/predict/area.json."""
    from twinspike.bench.calibrate import calibrate as run

    fitted = run(out / "calibrate", root / "results", targets, root / "hw" / "predict")
    for name, model in fitted.items():
        print(f"{name}: " + " + ".join(f"{x:g} {feature}" for feature, x in model.items()))


def bench_hw(out: str, root: Path, only: list[str], parts: list[str], jobs: int) -> None:
    """Rows and studies of results/hardware.json."""
    from twinspike.bench import builds as hwbench
    from twinspike.bench import studies as hwstudies

    if "builds" in parts:
        hwbench.measure(hwbench.chosen(only), out, root / "results", jobs=jobs)
    hwstudies.study([part for part in parts if part != "builds"], out, root / "results")


def _save_arrays(path: Path, **arrays: np.ndarray) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_atomically(path, buffer.getvalue())
