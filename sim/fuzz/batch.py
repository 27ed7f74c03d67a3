"""A batch of a fuzzing campaign: the cases that hypothesis draws with one seed, tried one after the other."""

import contextlib
import os
import time
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from ...executor import Workplace
from ...hw.tools.toolchain import find_icarus
from ...numerics.errors import TwinspikeError
from ..bench.direct import Workshop
from .case import Case
from .coverage import coverage
from .dense_cases import dense_cases
from .map_cases import map_cases
from .trial import Differs, attempt

BATCH = 20  # cases drawn with one seed
# One batch of so many runs in Icarus Verilog: four-valued, so that nothing unknown goes unnoticed. On maps
# it is the other way round: their small cores take longer to compile than to run.
ICARUS_EVERY = 4


def try_batch(place: Workplace, number: int, maps: bool, until: float) -> dict[str, Any]:
    """Draw and try the cases of a seed, until the time `until`.

    Returns `counts`, `coverage` and `refused` of its cases, and `failing`, the smallest case in which
    something differed, or None.
    """
    simulator = "verilator" if (number % ICARUS_EVERY != 0) != maps else "icarus"
    batch: dict[str, Any] = {"counts": {}, "coverage": {}, "refused": {}, "failing": None}
    if simulator == "icarus" and not has_icarus():
        # A seed stands for the same cases everywhere, so its batch is not given to the other simulator.
        return batch
    workshop = Workshop(place.folder / "builds", simulator)

    @seed(number)
    @settings(
        max_examples=BATCH,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given((map_cases if maps else dense_cases)(simulator))
    def trying(case: Case) -> None:
        if time.time() >= until and not batch["failing"]:
            return
        try:
            _try(case, workshop, batch, counted=not batch["failing"])
        except Differs as found:
            # The last one is the smallest: hypothesis ends with it.
            batch["failing"] = {"case": case.to_json(), "message": str(found)}
            raise

    with contextlib.suppress(Differs):
        trying()
    return batch


def _try(case: Case, workshop: Workshop, batch: dict[str, Any], *, counted: bool) -> None:
    begin, built = time.monotonic(), workshop.built
    found = attempt(case, workshop)
    if not counted:
        return
    refused = found.pop("refused", None)
    counts = batch["counts"]
    for key, value in found.items():
        counts[key] = counts.get(key, 0) + value
    if refused:
        # No core can be made of it: counted with the reason, and not among the networks.
        add_counts(batch["refused"], {refused: 1})
        return
    networks = found["networks"]
    made = {
        "cases": 1,
        "builds": workshop.built - built,
        f"networks_{case.simulator}": networks,
        "seconds": round(time.monotonic() - begin, 2),
    }
    for key, more in made.items():
        counts[key] = counts.get(key, 0) + more
    for what, kind in coverage(case):
        add_counts(batch["coverage"].setdefault(what, {}), {kind: networks})


def has_icarus() -> bool:
    """Whether Icarus can be used. One that a variable names and that cannot is still an error."""
    try:
        find_icarus()
    except TwinspikeError:
        if os.environ.get("IVERILOG", "").strip():
            raise
        return False
    return True


def add_counts(table: dict[str, int], more: dict[str, int]) -> None:
    """Add the counts of `more` to those of `table`."""
    for key, value in more.items():
        table[key] = table.get(key, 0) + value
