"""A core's plan carried out: emitted, simulated, placed and routed."""

from pathlib import Path
from typing import Any

import numpy as np

from twinspike.hw.devices import device
from twinspike.hw.emit.emit import emit, is_current
from twinspike.hw.plan import CorePlan
from twinspike.hw.predict.memory import HOPELESS, memory_lacking
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_json
from twinspike.numerics.locks import alone_with

from .folders import Folders


def write_plan(plan: CorePlan, folder: Path) -> Path:
    """Write Verilog, RTLIL, memory images and ports.md of a planned core; returns their folder."""
    with alone_with(folder):
        emit(plan, folder)
    return folder


def simulate_plan(
    plan: CorePlan,
    place: Folders,
    spikes: np.ndarray,
    *,
    simulator: str = "verilator",
    bench: str = "",
    waves: bool = False,
) -> tuple[Path, dict[str, Any]]:
    """Simulate input spikes [T, B, inputs]; returns the report's path and content."""
    from twinspike.sim.bench.runner import simulate

    rtl, out = place.rtl(plan.target), place.sim(plan.target)
    with alone_with(rtl):
        if not is_current(plan, rtl):
            emit(plan, rtl)
        result = simulate(plan, rtl, spikes, out, simulator=simulator, bench=bench, waves=waves)
    # A look at waves does not replace the report on many frames.
    path = out / "waves.json" if waves else place.sim_report(plan.target)
    write_json(path, result)
    return path, result


def misfit_of(plan: CorePlan, times: float = 1.0) -> str:
    """A line about a core whose memories need more than so many `times` what its device has; else ""."""
    lacking = memory_lacking(plan, times)
    remedy = "use smaller layers or fewer weight bits, or a larger device"
    return f"the core does not fit {plan.target}: {lacking}; {remedy}" if lacking else ""


def as_predicted(row: dict[str, Any]) -> bool:
    """Whether a simulated run's spikes, results and cycles are all those of golden and cycle model."""
    return not row["mismatches"] and not row["faults"] and row.get("cycles_predicted_equal", True)


def place_plan(plan: CorePlan, place: Folders, name: str, *, seeds: list[int], jobs: int) -> dict[str, Any]:
    """Place and route; writes <target>/synth/synth.json and returns its content.

    `name` is the configuration's, for provenance. Raises TwinspikeError for a core that does not fit, at once
    where its memories are far too large.
    """
    from twinspike.hw.tools.synthesis import synthesise

    if misfit := misfit_of(plan, HOPELESS):
        raise TwinspikeError(misfit)
    rtl = place.rtl(plan.target)
    with alone_with(rtl):
        emit(plan, rtl)
        return synthesise(
            rtl / "harness.il",
            "harness",
            device(plan.target),
            place.synth(plan.target),
            seeds=seeds,
            jobs=jobs,
            provenance={"network_hash": plan.network.content_hash, "config": name},
        )
