"""Building and running the cocotb bench: encode frames, run the golden model, simulate, compare."""

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
from ...hw.predict.cycles import frame_times
from ...hw.tools.process import first_error
from ...hw.tools.toolchain import Tool
from ...numerics.errors import TwinspikeError
from ...numerics.files import write_atomically
from ...numerics.locks import alone_with
from ..golden import Trace
from ..golden import run as golden_run
from .bench import STIMULUS, bench_source
from .logs import compare, observe
from .simulators import find_simulator
from .vectors import stimulus_lines
from .verilator import COCOTB, FastVerilator, arguments, keep_runtime, take_runtime
from .watch import Group, groups, gtkwave, surfer
from .waves import to_fst
from .workplace import Workplace, workplace

WAVES = "waves.fst"


@dataclasses.dataclass(frozen=True)
class Run:
    """One pass of the frames through the core. Stalls are chances of 256 in each clock."""

    name: str
    frames: int
    isolate: bool = False
    stall_source: int = 0
    stall_sinks: int = 0

    @property
    def stalls(self) -> bool:
        return bool(self.stall_source or self.stall_sinks)


def standard_runs(frames: int) -> list[Run]:
    """All frames back to back, some of them alone (latency), some under random back-pressure."""
    some = min(frames, 100)
    return [
        Run("back_to_back", frames),
        Run("alone", some, isolate=True),
        Run("stalled", some, stall_source=64, stall_sinks=128),
    ]


def simulate(
    plan: CorePlan,
    rtl: Path,
    spikes: np.ndarray,
    out: Path,
    *,
    simulator: str = "verilator",
    waves: bool = False,
    runs: list[Run] | None = None,
) -> dict[str, Any]:
    """Run input spikes bool [T, B, inputs] through the Verilog in folder `rtl`; compare everything.

    Every hidden spike, output spike (in the layer and on m_axis) and result is held against the
    golden model, and every frame's cycles against hw/predict/cycles.py where nothing stalls. With `waves` it
    also writes waves.fst, and waves.gtkw and waves.sucl that open it (see watch.py). Returns a
    JSON-ready table, a row a run. Raises TwinspikeError if the simulator is missing or the bench
    breaks off; a mismatch is reported in the table.
    """
    tool = find_simulator(simulator)
    with alone_with(out):
        return _simulate(plan, rtl, spikes, out, tool, simulator, waves, runs)


def _simulate(plan, rtl, spikes, out, tool, simulator, waves, runs) -> dict[str, Any]:
    runs = standard_runs(spikes.shape[1]) if runs is None else runs
    out.mkdir(parents=True, exist_ok=True)
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

    rows = []
    for number, run in enumerate(runs):
        rows.append(
            _check(plan, out, number, run, spikes[:, : run.frames], trace)
            | {
                "simulator": f"{tool.name} {tool.version}",
                "target": plan.target,
            }
        )
    return {"runs": rows, "network_hash": plan.network.content_hash, "seconds": seconds}


def _watched(plan: CorePlan, trace: Trace) -> list[Group]:
    """Signals to look at, with the neuron of each layer that spikes most in these frames."""
    return groups(plan, [int(train.sum(axis=(0, 1)).argmax()) for train in trace.spikes])


def _check(plan, out, number, run, spikes, trace) -> dict[str, Any]:
    part = trace.first(run.frames)
    seen = observe(plan, out, number, run.frames)
    compared, wrong, first = compare(part, seen)
    row = {
        "run": run.name,
        "frames": run.frames,
        "stalls": run.stalls,
        "isolated": run.isolate,
        "spikes_compared": compared,
        "results_compared": run.frames,
        "mismatches": wrong,
        "first_mismatch": str(first) if first else None,
        "faults": [f"cycle {cycle}: code {code:02x}" for cycle, code in seen.faults],
    }
    if run.stalls:
        return row
    started, finished = frame_times(plan, spikes, part.spikes, isolate=run.isolate)
    late = np.flatnonzero((seen.started != started) | (seen.finished != finished))
    latency, interval = seen.finished - seen.started, np.diff(seen.finished)
    row["cycles_predicted_equal"] = len(late) == 0
    if len(late):
        i = int(late[0])
        row["first_cycle_difference"] = (
            f"frame {i}: start {seen.started[i]}, result {seen.finished[i]}; "
            f"formula {started[i]}, {finished[i]}"
        )
    row["cycles"] = {"latency": _spread(latency, finished - started)}
    if not run.isolate:
        row["cycles"]["interval"] = _spread(interval, np.diff(finished))
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
