"""How cycles, generation and simulation scale: the studies beside the rows of results/hardware.json."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twinspike.bench.calibrate import Sample, sample_plan
from twinspike.config import load_config
from twinspike.flow.folders import find_network, folders
from twinspike.hw.emit.emit import emit, is_current
from twinspike.hw.plan import CorePlan, make_plan
from twinspike.hw.predict.cycles import frame_times
from twinspike.model.data.shipped import load_dataset
from twinspike.numerics.encodings import ENCODINGS
from twinspike.numerics.files import write_json
from twinspike.numerics.progress import Bar
from twinspike.sim import golden
from twinspike.sim.bench.runner import Run, simulate

CONFIG = "mnist"
FRAMES = 12
INPUTS, OUTPUTS = 128, 16
NEURONS = (64, 128, 256, 512, 1024)
LANES = (4, 16, 64)
ACTIVITY = (0.02, 0.1, 0.3)  # chance that an input spikes in a step
# Points of the sweep that are simulated as well: (neurons, lanes, activity).
SIMULATED = ((64, 4, 0.1), (256, 16, 0.3))
LARGE = (784, 1024, 64)


def scaling(out: Path) -> dict[str, Any]:
    """Cycles a frame over N, P and activity, and the line through them.

    Networks of INPUTS-N-OUTPUTS. Interval = slope * work + offset, least squares, where work is the
    busiest layer's: its input spikes and its T TICKs, each times the clocks that they take. `simulated` says
    what the RTL took at a few points.
    """
    points = []
    for neurons in Bar(NEURONS, desc="scaling", unit="width"):
        for lanes in LANES:
            sample = Sample("generic", (INPUTS, neurons, OUTPUTS), (lanes, OUTPUTS), references=2)
            plan = sample_plan(sample)
            for activity in ACTIVITY:
                spikes = _random_frames(plan, activity)
                trains = golden.run(plan.network, spikes).spikes
                _, finished = frame_times(plan, spikes, trains, isolate=False)
                # The first frame fills the pipeline.
                came = [float(train[:, 1:].sum(axis=(0, 2)).mean()) for train in (spikes, trains[0])]
                work = [
                    count * layer.event_clocks(0) + plan.network.timesteps * layer.tick_clocks
                    for count, layer in zip(came, plan.layers, strict=True)
                ]
                point = {
                    "neurons": neurons,
                    "lanes": lanes,
                    "activity": activity,
                    "spikes": came,
                    "row_cycles": [layer.event_clocks(0) for layer in plan.layers],
                    "work": max(work),
                    "cycles": float(np.diff(finished).mean()),
                }
                if (neurons, lanes, activity) in SIMULATED:
                    point["simulated"] = _simulated_mean(plan, spikes, out / f"{neurons}-{lanes}")
                points.append(point)
    total, cycles = (np.array([point[key] for point in points]) for key in ("work", "cycles"))
    slope, offset = np.polyfit(total, cycles, 1)
    left = cycles - (slope * total + offset)
    return {
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "timesteps": plan.network.timesteps,
        "points": points,
        "slope": float(slope),
        "offset": float(offset),
        "r_squared": float(1 - left.var() / cycles.var()),
    }


def _random_frames(plan: CorePlan, activity: float) -> np.ndarray:
    shape = (plan.network.timesteps, FRAMES, plan.network.inputs)
    return np.random.default_rng(1).random(shape) < activity


def _simulated_mean(plan: CorePlan, spikes: np.ndarray, folder: Path) -> float:
    if not is_current(plan, folder / "rtl"):
        emit(plan, folder / "rtl")
    row = simulate(plan, folder / "rtl", spikes, folder / "sim", runs=[Run("back_to_back", FRAMES)])["runs"][
        0
    ]
    return float(np.mean(row["cycles"]["interval"]["values"]))


def encodings(out: Path) -> dict[str, Any]:
    """Cycles of sparse codes and of their dense twins through one trained core, by hw/predict/cycles.py.

    The network was trained on its own code alone; only time is compared here, with the hidden
    spikes that each code really causes. Codes that need another number of inputs are left out.
    """
    network = find_network(folders(str(out.parent), CONFIG), load_config(CONFIG))
    plan = make_plan(network, load_config(CONFIG).hardware.lanes, "generic")
    images = load_dataset(CONFIG).test_images[:200]
    rows = []
    for kind, encoding in ENCODINGS.items():
        twin = ENCODINGS.get(f"{kind}-dense")
        if twin is None or encoding().addresses(network.shape) != network.inputs:
            continue
        own = network.encoder.kind == kind
        sparse = network.encoder if own else encoding()
        parameters = {key: value for key, value in sparse.table().items() if key != "kind"}
        row = {"encoding": kind, "own": own, "parameters": parameters}
        for name, code in (("sparse", sparse), ("dense", twin(**parameters))):
            spikes = code.encode(images, network.timesteps)
            trains = golden.run(network, spikes).spikes
            _, finished = frame_times(plan, spikes, trains, isolate=False)
            row[name] = {
                "input_spikes": float(spikes.sum(axis=(0, 2)).mean()),
                "interval_cycles": float(np.median(np.diff(finished))),
            }
        rows.append(row)
    return {"config": CONFIG, "images": len(images), "lanes": [x.lanes for x in plan.layers], "rows": rows}


_EMIT = """
import sys, time, resource
from pathlib import Path
from twinspike.bench.calibrate import Sample, sample_plan
from twinspike.hw.emit.emit import emit
plan = sample_plan(Sample("ecp5-85k", (784, 1024, 64), (32, 8)))
start = time.process_time(), time.monotonic()
emit(plan, Path(sys.argv[1]))
own, tools = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
cpu = time.process_time() - start[0] + tools.ru_utime + tools.ru_stime
print(cpu, time.monotonic() - start[1], max(own.ru_maxrss, tools.ru_maxrss))
"""


def emission(out: Path) -> dict[str, Any]:
    """Time and memory that writing the RTL of a large network takes, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _EMIT, str(out / "large")], capture_output=True, text=True, check=True
    )
    cpu, wall, kilobytes = map(float, done.stdout.split()[-3:])
    return {
        "network": list(LARGE),
        "cpu_seconds": round(cpu, 1),
        "wall_seconds": round(wall, 1),
        "peak_gib": round(kilobytes / 2**20, 2),
        "load_average": os.getloadavg()[0],
    }


def throughput(out: Path) -> dict[str, Any]:
    """All test images through the RTL, every spike compared; wall and CPU time of the whole step."""
    network = find_network(folders(str(out.parent), CONFIG), load_config(CONFIG))
    plan = make_plan(network, (), "generic")
    spikes = network.encode(load_dataset(CONFIG).test_images)
    emit(plan, out / "throughput" / "rtl")
    start, before = time.monotonic(), _cpu_seconds()
    frames = spikes.shape[1]
    row = simulate(
        plan, out / "throughput" / "rtl", spikes, out / "throughput" / "sim", runs=[Run("all", frames)]
    )["runs"][0]
    return {
        "config": CONFIG,
        "images": frames,
        "spikes_compared": row["spikes_compared"],
        "mismatches": row["mismatches"],
        "wall_seconds": round(time.monotonic() - start, 1),
        "cpu_seconds": round(_cpu_seconds() - before, 1),
        "load_average": os.getloadavg()[0],
    }


def _cpu_seconds() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


STUDIES: dict[str, Callable[[Path], dict[str, Any]]] = {
    function.__name__: function for function in (scaling, encodings, emission, throughput)
}


def study(names: list[str], out: str, results: Path) -> None:
    """Run the named studies and put what they find into results/hardware.json, each when it is done."""
    path = results / "hardware.json"
    for name in names:
        found = STUDIES[name](Path(out) / "hardware")
        table = json.loads(path.read_text()) if path.is_file() else {"rows": [], "left_out": []}
        write_json(path, table | {name: found})
        print(f"{name}: { ({k: v for k, v in found.items() if not isinstance(v, list)}) }")
