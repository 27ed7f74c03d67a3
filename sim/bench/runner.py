"""Simulating frames: the bench in compiled code or under cocotb, and what it saw against the golden model."""

import contextlib
import dataclasses
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from cocotb_tools.runner import get_results, get_runner

from ...hw.plan import CorePlan
from ...hw.tools.process import first_error
from ...hw.tools.toolchain import Tool
from ...numerics.errors import TwinspikeError, out_of_range
from ...numerics.files import write_atomically
from ...numerics.locks import alone_with
from ..golden import Trace
from ..golden import run as golden_run
from .bench import STIMULUS, bench_source
from .chunks import simulate_chunks
from .logs import Observed, compare, observe
from .runs import Part, Run, predicted_times, standard_runs
from .simulators import find_simulator
from .vectors import stimulus_lines
from .verilator import COCOTB, FastVerilator, arguments, keep_runtime, take_runtime
from .watch import Group, groups, gtkwave, surfer
from .waves import to_fst
from .workplace import Workplace, workplace

WAVES = "waves.fst"
BENCHES = ("native", "cocotb")


def simulate(
    plan: CorePlan,
    rtl: Path,
    spikes: np.ndarray,
    out: Path,
    *,
    simulator: str = "verilator",
    bench: str = "",
    waves: bool = False,
    runs: list[Run] | None = None,
    chunk: int | None = None,
) -> dict[str, Any]:
    """Run input spikes bool [T, B, inputs] through the Verilog in folder `rtl`; compare everything.

    Every hidden spike, output spike (in the layer and on m_axis) and result is held against the
    golden model, and every frame's cycles against hw/predict/cycles.py where nothing stalls. `bench` is
    "native" (compiled code, `chunk` frames after each reset: see chunks.py) or "cocotb", the choice with
    Icarus and for waves. With `waves` it also writes waves.fst, and waves.gtkw and waves.sucl that open it
    (see watch.py).
    Returns a JSON-ready table, a row a run. Raises TwinspikeError if the simulator is missing or the bench
    breaks off; a mismatch is reported in the table.
    """
    tool = find_simulator(simulator)
    bench = chosen_bench(bench, simulator, waves)
    runs = standard_runs(spikes.shape[1]) if runs is None else runs
    with alone_with(out):
        out.mkdir(parents=True, exist_ok=True)
        if bench == "native":
            trace, parts, seconds = simulate_chunks(plan, rtl, spikes, runs, out, chunk)
        else:
            trace, parts, seconds = _under_cocotb(tool, plan, rtl, spikes, runs, out, simulator, waves)
    told = {"simulator": f"{tool.name} {tool.version}", "bench": bench, "target": plan.target}
    rows = [
        _check(plan, run, own, trace.part(slice(run.frames))) | told
        for run, own in zip(runs, parts, strict=True)
    ]
    return {"runs": rows, "network_hash": plan.network.content_hash, "seconds": seconds}


def chosen_bench(wished: str, simulator: str, waves: bool) -> str:
    """The bench to use: `wished`, or if that is empty the fastest that there is."""
    interpreted = simulator != "verilator" or waves
    if wished not in ("", *BENCHES):
        raise out_of_range("BENCH", wished, "one of " + ", ".join(BENCHES))
    if wished == "native" and interpreted:
        raise out_of_range("BENCH", wished, "cocotb with SIM=icarus and for waves: leave BENCH out")
    return wished or ("cocotb" if interpreted else "native")


def _under_cocotb(
    tool: Tool,
    plan: CorePlan,
    rtl: Path,
    spikes: np.ndarray,
    runs: list[Run],
    out: Path,
    simulator: str,
    waves: bool,
) -> tuple[Trace, list[list[Part]], float]:
    for memory in rtl.glob("*.mem"):
        shutil.copy(memory, out)
    write_atomically(out / STIMULUS, "".join(stimulus_lines(spikes, plan.layers[0].events_per_clock)))
    trace = golden_run(plan.network, spikes)
    watched = _watched(plan, trace) if waves else []
    write_atomically(out / "bench.sv", bench_source(plan, watched))
    write_atomically(out / "runs.json", json.dumps([dataclasses.asdict(run) for run in runs]))
    with workplace(tool, out, rtl.resolve(), *COCOTB) as place, _environment(place.tool):
        seconds = _run_cocotb(place, simulator, sorted(rtl.glob("*.v")), out, waves)
    if waves:
        write_atomically(out / "waves.gtkw", gtkwave(watched, WAVES))
        write_atomically(out / "waves.sucl", surfer(watched))
    parts = []
    for number, run in enumerate(runs):
        frames = slice(run.frames)
        times = predicted_times(plan, run, spikes[:, frames], trace.part(frames))
        parts.append([Part(0, observe(plan, out, number, run.frames), *times)])
    return trace, parts, seconds


def _watched(plan: CorePlan, trace: Trace) -> list[Group]:
    """Signals to look at, with the neuron of each layer that spikes most in these frames."""
    return groups(plan, [int(train.sum(axis=(0, 1)).argmax()) for train in plan.trains(trace.spikes)])


def _check(plan: CorePlan, run: Run, parts: list[Part], golden: Trace) -> dict[str, Any]:
    """The row of a run; its clocks and faults count from the reset of the part that they are in."""
    seen = Observed.joined([part.seen for part in parts])
    compared, wrong, first = compare(golden, seen, plan.numbers)
    row: dict[str, Any] = {
        "run": run.name,
        "frames": run.frames,
        "stalls": run.stalls,
        "isolated": run.isolate,
        "resets_before_frames": [part.first for part in parts],
        "spikes_compared": compared,
        "results_compared": run.frames,
        "mismatches": wrong,
        "first_mismatch": str(first) if first else None,
        "faults": [
            f"cycle {cycle}: code {code:02x}" + (f" (from frame {part.first} on)" if part.first else "")
            for part in parts
            for cycle, code in part.seen.faults
        ],
    }
    if run.stalls:
        return row
    started = np.concatenate([part.started for part in parts])
    finished = np.concatenate([part.finished for part in parts])
    late = np.flatnonzero((seen.started != started) | (seen.finished != finished))
    latency = seen.finished - seen.started
    row["cycles_predicted_equal"] = len(late) == 0
    if len(late):
        i = int(late[0])
        row["first_cycle_difference"] = (
            f"frame {i}: start {seen.started[i]}, result {seen.finished[i]}; "
            f"formula {started[i]}, {finished[i]}"
        )
    row["cycles"] = {"latency": _spread(latency, finished - started)}
    if not run.isolate:
        interval = np.concatenate([np.diff(part.seen.finished) for part in parts])
        predicted = np.concatenate([np.diff(part.finished) for part in parts if part.finished is not None])
        row["cycles"]["interval"] = _spread(interval, predicted)
    return row


def _spread(values: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """Clocks of every frame as simulated, with what the formula says of it."""
    if not len(values):
        return {"min": None, "median": None, "max": None, "values": [], "predicted": []}
    return {
        "min": int(values.min()),
        "median": float(np.median(values)),
        "max": int(values.max()),
        "values": values.tolist(),
        "predicted": predicted.tolist(),
    }


@contextlib.contextmanager
def _environment(tool: Tool):
    """The tool's variables in this process while cocotb's runner works: it reads them from here."""
    before = dict(os.environ)
    os.environ.update(tool.environment)
    # These choose other simulators, tests or outputs where a user's shell has them set.
    for name in ("SIM", "WAVES", "COCOTB_TEST_MODULES", "COCOTB_TESTCASE", "COCOTB_TEST_FILTER", "GUI"):
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _run_cocotb(place: Workplace, simulator: str, sources: list[Path], out: Path, waves: bool) -> float:
    tool = place.tool
    runner = FastVerilator(place) if simulator == "verilator" else get_runner(simulator)
    build = place.folder / (f"{simulator}-waves" if waves else simulator)
    for log in out.glob("run*.log"):
        log.unlink()
    try:
        # Tracing waves is compiled into the runtime as well.
        made_with = [*arguments(waves), "waves" * waves]
        if simulator == "verilator":
            take_runtime(build, tool.version, made_with)
        runner.build(
            sources=[*sources, out / "bench.sv"],
            hdl_toplevel="bench",
            build_args=arguments(waves) if simulator == "verilator" else ["-g2012"],
            build_dir=build,
            waves=waves,
            timescale=("1ns", "1ps"),
            log_file=out / "build.log",
        )
        if simulator == "verilator":
            keep_runtime(build, tool.version, made_with)
    except (RuntimeError, SystemExit) as error:
        said = first_error(out / "build.log") or error
        raise TwinspikeError(f"{tool}: cannot build the bench ({said}); see {out / 'build.log'}") from None
    start = time.monotonic()
    try:
        report = runner.test(
            test_module=f"{__package__}.cocotb_core",
            hdl_toplevel="bench",
            build_dir=build,
            test_dir=out,
            waves=waves,
            timescale=("1ns", "1ps"),
            log_file=out / "simulation.log",
            results_xml=str(out / "results.xml"),
        )
        _, failed = get_results(report)
    except (RuntimeError, SystemExit) as error:
        raise TwinspikeError(
            f"{tool}: the simulation broke off ({error}); see {out / 'simulation.log'}"
        ) from None
    if failed:
        raise TwinspikeError(f"{tool}: the bench did not finish; see {out / 'simulation.log'}")
    if (out / "dump.vcd").is_file():
        to_fst(out / "dump.vcd", out / WAVES)
        (out / "dump.vcd").unlink()
    elif waves:
        (build / "bench.fst").replace(out / WAVES)
    return time.monotonic() - start
