"""Many frames through a compiled core: chunks of them, as many at a time as there are processor cores.

Every chunk is a process that begins with a reset, and in it frames follow each other as the run says, so the
cycle contract is asked once a chunk. How frames are split does not depend on the machine.
"""

import concurrent.futures
import dataclasses
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...hw.plan import CorePlan
from ...numerics.errors import TwinspikeError
from ..golden import Trace
from ..golden import run as golden_run
from .direct import Pass, Workshop
from .direct import run as run_program
from .logs import Observed, observe
from .runs import Part, Run, predicted_times
from .vectors import stimulus_lines

CHUNK = 250  # frames: some seconds at most, so that all processor cores are busy to the end
# Clocks in which nothing moves after which a run is given up: far longer than any frame takes.
_PATIENCE = 1_000_000


@dataclasses.dataclass(frozen=True)
class _Chunk:
    number: int  # of its run
    run: Run
    frames: slice


@dataclasses.dataclass(frozen=True)
class _Core:
    command: list[str]
    memories: dict[str, str]
    ready: float  # when it was


def simulate_chunks(
    plan: CorePlan, rtl: Path, spikes: np.ndarray, runs: Sequence[Run], out: Path, size: int | None = None
) -> tuple[Trace, list[list[Part]], float]:
    """Work off `runs` with input spikes bool [T, B, inputs] and the Verilog in folder `rtl`.

    `size` frames a chunk (default: CHUNK).

    Returns the golden model's trace, the parts of each run, and the seconds that the simulations took.
    Programs are kept in folder `out` by content, the logs of each chunk below its `chunks`. Raises
    TwinspikeError if the core hangs, raises an error flag or gives too few of anything.
    """
    size = size or CHUNK
    chunks = [
        _Chunk(number, run, slice(first, min(first + size, run.frames)))
        for number, run in enumerate(runs)
        for first in range(0, run.frames, size)
    ]
    shutil.rmtree(out / "chunks", ignore_errors=True)
    with concurrent.futures.ThreadPoolExecutor(processors()) as pool:
        building = pool.submit(_build, plan, rtl, out)
        trace = golden_run(plan.network, spikes)
        tasks = [
            pool.submit(
                _simulate,
                building,
                plan,
                chunk.run,
                spikes[:, chunk.frames],
                out / "chunks" / f"run{chunk.number}-{chunk.frames.start}",
            )
            for chunk in chunks
        ]
        try:
            # Computed while the compiler and the simulations work.
            times = [
                predicted_times(plan, chunk.run, spikes[:, chunk.frames], trace.part(chunk.frames))
                for chunk in chunks
            ]
            seen = [task.result() for task in tasks]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        seconds = time.monotonic() - building.result().ready
    parts: list[list[Part]] = [[] for _ in runs]
    for chunk, found, (started, finished) in zip(chunks, seen, times, strict=True):
        parts[chunk.number].append(Part(chunk.frames.start, found, started, finished))
    return trace, parts, seconds


def processors() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _build(plan: CorePlan, rtl: Path, out: Path) -> _Core:
    sources = {path.name: path.read_text() for path in sorted(rtl.glob("*.v"))}
    memories = {path.name: path.read_text() for path in rtl.glob("*.mem")}
    command = Workshop(out / "native", keep=3).command(plan, sources)
    return _Core(command, memories, time.monotonic())


def _simulate(
    building: concurrent.futures.Future[_Core], plan: CorePlan, run: Run, spikes: np.ndarray, folder: Path
) -> Observed:
    frames = spikes.shape[1]
    one = Pass(
        frames,
        isolate=run.isolate,
        stall_source=run.stall_source,
        stall_spikes=run.stall_sinks,
        stall_result=run.stall_sinks,
        patience=_PATIENCE,
    )
    stimulus = stimulus_lines(spikes, plan.layers[0].events_per_clock)
    core = building.result()
    outcome = run_program(core.command, core.memories, stimulus, [one], folder, seconds=None)[0]
    if not outcome.finished:
        raise TwinspikeError(
            f"{folder}: run {run.name} hangs: {outcome.results} of {frames} results, then nothing moved for "
            f"{_PATIENCE:,} clocks"
        )
    if outcome.error_flags:
        raise TwinspikeError(
            f"{folder}: run {run.name}: error flags {outcome.error_flags:04b}, expected none"
        )
    return observe(plan, folder, 0, frames)
