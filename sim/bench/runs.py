"""What a simulation does with its frames, and what it saw of them."""

import dataclasses

import numpy as np

from ...hw.plan import CorePlan
from ...hw.predict.cycles import frame_times
from ..golden import Trace
from .logs import Observed


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


@dataclasses.dataclass(frozen=True)
class Part:
    """Frames `first`.. of a run that went through the core one after the other since a reset.

    `started` and `finished` are the clocks that hw/predict/cycles.py foretells; None where stalls come in.
    """

    first: int
    seen: Observed
    started: np.ndarray | None
    finished: np.ndarray | None


def predicted_times(
    plan: CorePlan, run: Run, spikes: np.ndarray, trace: Trace
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The clocks of a part of a run, whose first frame is the first one after a reset."""
    if run.stalls:
        return None, None
    return frame_times(plan, spikes, trace.spikes, isolate=run.isolate)
