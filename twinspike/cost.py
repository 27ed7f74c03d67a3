"""What a configuration will cost in hardware, before there is a network: clocks, logic cells, microseconds.

Clocks follow from the generator's own formula. Logic cells and Fmax are estimates, fitted to the cores
that were placed and routed so far (results/*.json); a planner that knows better replaces
:func:`estimate`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from twinspike.hw.devices import device
from twinspike.hw.plan import STATE_LATENCY, default_lanes
from twinspike.numerics.errors import TwinspikeError

if TYPE_CHECKING:
    from twinspike.config import Config
    from twinspike.model.cycles import CycleCost


def lanes_of(config: Config) -> tuple[int, ...]:
    """Lanes of each layer: those of the configuration, else the generator's choice."""
    chosen = config.hardware.lanes
    return chosen or tuple(default_lanes(layer.neurons, layer.weight_bits) for layer in config.layers)


def cycle_cost(config: Config, classes: int) -> CycleCost:
    """The times of the core that `config` asks for, with one reference for each of `classes`."""
    from twinspike.model.cycles import CycleCost

    words = [-(-layer.neurons // lanes) for layer, lanes in zip(config.layers, lanes_of(config), strict=True)]
    return CycleCost(
        row_cycles=tuple(max(w, STATE_LATENCY) for w in words),
        tick_cycles=config.layers[-1].neurons + 2,
        result_cycles=classes + 5,
    )


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Logic cells, and the clock in MHz, of a core that nobody has placed yet."""

    logic_cells: float
    megahertz: float


def estimate(config: Config, target: str, records: Iterable[dict[str, Any]]) -> Estimate:
    """Least squares of logic cells over lane bits (lanes x state bits, summed over layers), and the
    slowest clock, of all cores for `target` in `records` (results/<config>.json).

    Raises TwinspikeError if fewer than two were measured.
    """
    device(target)
    points = [
        (_lane_bits(record["configuration"]), core["logic_cells"], core["fmax_min_mhz"])
        for record in records
        if (core := record.get("synth", {}).get(target))
    ]
    if len({lane_bits for lane_bits, _, _ in points}) < 2:
        raise TwinspikeError(
            f"no estimate for {target}: two cores of different size must have been measured for it "
            f"(make synth results CONFIG=... TARGETS={target})"
        )
    lane_bits, cells, clocks = np.array(points).T
    slope, least = np.polyfit(lane_bits, cells, 1)
    return Estimate(float(least + slope * _lane_bits(config.table(), lanes_of(config))), float(clocks.min()))


def _lane_bits(table: dict[str, Any], lanes: tuple[int, ...] = ()) -> int:
    lanes = lanes or tuple(table["hardware"]["lanes"])
    return sum(p * layer["state_bits"] for p, layer in zip(lanes, table["layers"], strict=True))
