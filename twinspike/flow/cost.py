"""What a core will cost before it is placed: logic cells, and the clock's speed.

Logic cells are the planner's estimate (hw/predict/area.py),
the clock is that of the cores that were placed and routed so far (results/*.json; away from the sources,
hw/predict/clocks.json, which `twinspike docs` writes from them).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources
from typing import Any

import numpy as np

from twinspike.hw.devices import device
from twinspike.hw.plan import CorePlan
from twinspike.hw.plan.layer import default_lanes
from twinspike.hw.predict import area
from twinspike.hw.predict.placement import ram_blocks
from twinspike.numerics.errors import TwinspikeError

# Beside the coefficients of area.
CLOCKS = "clocks.json"


def clock(target: str, records: Iterable[dict[str, Any]]) -> float:
    """MHz to reckon with on `target`: the slowest core measured there, by `records` or what ships.

    Raises TwinspikeError if there is none.
    """
    device(target)
    found = clocks(records) or shipped_clocks()
    if target not in found:
        raise TwinspikeError(
            f"no core was measured for {target} yet, so its clock is unknown: "
            f"make synth results TARGETS={target}"
        )
    return found[target]


def clocks(records: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Target -> MHz of the slowest core in these records."""
    found: dict[str, float] = {}
    for record in records:
        for target, core in record.get("synth", {}).items():
            found[target] = min(core["fmax_min_mhz"], found.get(target, core["fmax_min_mhz"]))
    return found


def shipped_clocks() -> dict[str, float]:
    """As :func:`clocks`, of the figures that stood in results/ when this version was made."""
    file = resources.files("twinspike.hw.predict").joinpath(CLOCKS)
    return json.loads(file.read_text(encoding="utf-8"))


def logic_cells(plan: CorePlan, records: Iterable[dict[str, Any]]) -> float:
    """Logic cells to reckon with for a planned core: the planner's model where it is calibrated.

    Elsewhere a line through the measured cores, over lanes x state bits summed over layers. Raises
    TwinspikeError if fewer than two sizes were measured.
    """
    if area.calibrated(plan):
        return area.logic_cells(plan)
    cores = _cores(plan.target, records)
    points = [(_lane_bits(record["configuration"]), core["logic_cells"]) for record, core in cores]
    if len({bits for bits, _ in points}) < 2:
        raise TwinspikeError(
            f"logic cells on {plan.target} are unknown: run make calibrate, or measure two cores that differ "
            "in size"
        )
    lane_bits, cells = np.array(points).T
    slope, least = np.polyfit(lane_bits, cells, 1)
    return float(least + slope * sum(x.lanes * x.layer.spec.state_bits for x in plan.layers))


def check_fit(plan: CorePlan, cells: float) -> None:
    """Raise TwinspikeError if the planned core needs more than its device has."""
    have = device(plan.target)
    for what, need, there in (
        ("logic cells", cells, have.logic_cells),
        ("block RAMs", ram_blocks(plan), have.ram_blocks),
    ):
        if need > there:
            raise TwinspikeError(f"{plan.target} has {there} {what}, this core needs about {need:.0f}")


def _cores(target: str, records: Iterable[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(record, core) of every configuration that was placed and routed for `target`."""
    return [(r, core) for r in records if (core := r.get("synth", {}).get(target))]


def _lane_bits(table: dict[str, Any]) -> int:
    layers = table["layers"]
    lanes = table["hardware"]["lanes"] or [default_lanes(x["neurons"], x["weight_bits"]) for x in layers]
    return sum(p * layer["state_bits"] for p, layer in zip(lanes, layers, strict=True))
