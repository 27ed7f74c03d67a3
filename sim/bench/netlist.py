"""A core after synthesis: its netlist of the device's cells in the simulator, against the golden model."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from ...hw.devices import Device
from ...hw.emit.emit import TOP, write_verilog
from ...hw.plan import CorePlan
from ...hw.predict.cycles import frame_times
from ...hw.tools.synthesis import make_netlist
from ...hw.tools.toolchain import find_yosys
from ...numerics.files import replacing_folder
from ..golden import run as golden_run
from .cells import cell_models
from .direct import Pass, Workshop, run
from .logs import compare, observe
from .vectors import stimulus_lines

PASSES = ("back_to_back", "stalled")


def simulate_netlist(plan: CorePlan, device: Device, spikes: np.ndarray, out: Path) -> dict[str, Any]:
    """Synthesise the core for `device` and send input spikes bool [T, B, inputs] through the netlist.

    Output spikes and results are held against the golden model, and cycles against hw/predict/cycles.py.
    Returns a JSON-ready table. Raises TwinspikeError if a tool fails or the netlist hangs.
    """
    frames, yosys = spikes.shape[1], find_yosys()
    with replacing_folder(out / "netlist-rtl") as rtl:
        write_verilog(plan, rtl)
    rtl = out / "netlist-rtl"
    synth = out / "netlist"
    synth.mkdir(parents=True, exist_ok=True)
    path, cells, seconds = make_netlist(yosys, rtl / f"{TOP}.il", TOP, device, synth)
    models, options = cell_models(yosys, device.architecture, synth)
    begin = time.monotonic()
    sources = {"netlist.v": path.with_suffix(".v").read_text(), **models}
    command = Workshop(out / "netlist-builds", keep=2).command(plan, sources, inside=False, options=options)
    built = time.monotonic()
    passes = [Pass(frames), Pass(frames, stall_source=64, stall_spikes=128, stall_result=128, reset_at=1234)]
    load = rtl / "weights.mem"
    memories = {load.name: load.read_text()} if load.is_file() else {}
    stimulus = stimulus_lines(spikes, plan.layers[0].events_per_clock)
    with replacing_folder(out / "netlist-sim") as work:
        outcomes = run(command, memories, stimulus, passes, work / "run")
    trace = golden_run(plan.network, spikes)
    rows = []
    for number, outcome in enumerate(outcomes):
        seen = observe(plan, out / "netlist-sim" / "run", number, frames, inside=False)
        compared, wrong, first = compare(trace, seen)
        row = {
            "run": PASSES[number],
            "frames": frames,
            "spikes_compared": compared,
            "mismatches": wrong,
            "first_mismatch": str(first) if first else None,
            "error_flags": outcome.error_flags,
            "faults": len(seen.faults),
        }
        if passes[number].undisturbed:
            times = frame_times(plan, spikes, trace.spikes, isolate=False)
            row["cycles_predicted_equal"] = all(map(np.array_equal, times, (seen.started, seen.finished)))
        rows.append(row)
    return {
        "device": device.title,
        "network_hash": plan.network.content_hash,
        "cells": cells,
        "runs": rows,
        "seconds": {
            "yosys": seconds,
            "build": round(built - begin, 1),
            "run": round(time.monotonic() - built, 1),
        },
    }
