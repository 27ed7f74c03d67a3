"""Choosing lanes, banks and memories for a network and a device, with what the choice will give."""

import dataclasses
from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np

from ...numerics.errors import TwinspikeError, out_of_range
from ...quant.network import Network
from ..devices import DEVICES
from ..plan import CorePlan, make_plan
from ..plan.choose import EVENTS_PER_CLOCK
from ..plan.core import firing
from .area import calibrated, logic_cells
from .cycles import frame_times
from .placement import memory_bits, ram_blocks, spram_blocks

GOALS = ("latency", "area")
# Share of a device's logic cells that a core may take: beyond it placement fails or slows down.
FILL = 0.95
# Widths that are tried for a layer of a network with maps: from the narrowest lanes to 16 times as many.
_DOUBLINGS = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """A plan and what it will take: median cycles per image, logic cells, memory."""

    plan: CorePlan
    latency_cycles: float  # of frames alone, from the first word taken to the result
    interval_cycles: float  # of frames that follow each other
    logic_cells: int | None  # None where the device's family has not been calibrated
    ram_blocks: int | None
    spram: int
    memory_bits: int

    @property
    def lanes(self) -> tuple[int, ...]:
        return tuple(layer.lanes for layer in self.plan.layers)

    @property
    def events_per_clock(self) -> tuple[int, ...]:
        return tuple(layer.events_per_clock for layer in self.plan.layers) if self.plan.wide else ()

    def fits(self) -> bool:
        device = DEVICES[self.plan.target]
        return (
            (self.logic_cells or 0) <= FILL * device.logic_cells
            and (self.ram_blocks or 0) <= device.ram_blocks
            and self.spram <= device.spram
        )


def predict(plan: CorePlan, spikes: np.ndarray, trains: tuple[np.ndarray, ...]) -> Prediction:
    """What `plan` gives on frames: input spikes bool [T, B, inputs], every layer's as golden runs them.

    Cycles are exact (hw/predict/cycles.py); cells and blocks come from hw/predict/area.py's model, for real
    devices.
    """
    started, finished = frame_times(plan, spikes, trains, isolate=True)
    _, running = frame_times(plan, spikes, trains, isolate=False)
    intervals = np.diff(running) if spikes.shape[1] > 1 else finished - started
    real = plan.target in DEVICES
    known = real and calibrated(plan)
    return Prediction(
        plan,
        float(np.median(finished - started)),
        float(np.median(intervals)),
        logic_cells(plan) if known else None,
        ram_blocks(plan) if real else None,
        spram_blocks(plan),
        memory_bits(plan),
    )


def choose(
    network: Network, target: str, goal: str, spikes: np.ndarray, trains: tuple[np.ndarray, ...]
) -> Prediction:
    """The best plan for `network` on `target`: least latency, or fewest logic cells, on these frames.

    Latency: lanes are doubled, layer by layer, as long as that makes the median frame faster and
    the core fits; on ECP5 wide cores are tried too. Area: the narrowest lanes that fit. Raises
    TwinspikeError if nothing fits.
    """
    if goal not in GOALS:
        raise out_of_range("goal", goal, "one of " + ", ".join(GOALS))
    if target not in DEVICES:
        raise out_of_range("target", target, "one of " + ", ".join(DEVICES))

    def candidate(lanes: tuple[int, ...], banks: tuple[int, ...] = ()) -> Prediction | None:
        try:
            plan = make_plan(network, lanes, target, banks)
        except TwinspikeError:
            return None  # widths that the device's memories do not have
        found = predict(plan, spikes, trains)
        return found if found.fits() else None

    narrowest = _narrowest(network, target)
    start = candidate(narrowest)
    if start is None:
        fitting = _with_room(network, target, narrowest)
        start = next((found for lanes in fitting if (found := candidate(lanes))), None)
    wide = [found for banks in _bank_choices(network, target) if (found := candidate((), banks))]
    if start is None and not wide:
        raise TwinspikeError(
            f"network {network.name} fits {target} with no choice of lanes: use fewer neurons or weight "
            "bits, or a larger device"
        )
    if goal == "area":
        return min([x for x in (start, *wide) if x], key=lambda x: x.logic_cells or 0)
    best = start and _widen(network, start, candidate)
    return min([x for x in (best, *wide) if x], key=lambda x: (x.latency_cycles, x.logic_cells or 0))


def _narrowest(network: Network, target: str) -> tuple[int, ...]:
    """Lanes halved, layer by layer, as far as the device's memories have such a width."""
    lanes = tuple(layer.lanes for layer in make_plan(network, (), target).layers)
    for index in range(len(lanes)):
        while lanes[index] > 1:
            narrower = (*lanes[:index], lanes[index] // 2, *lanes[index + 1 :])
            try:
                make_plan(network, narrower, target)
            except TwinspikeError:
                break
            lanes = narrower
    return lanes


def _with_room(network: Network, target: str, narrowest: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Wider lanes that the device has the memories and cells for, the fewest lanes first.

    Where a network has maps, the narrowest lanes may need more block RAMs than wider ones: the fewer channels
    a word holds, the more words there are to list and to number.
    """
    device = DEVICES[target]
    if not any(layer.listed for layer in make_plan(network, narrowest, target).layers):
        return
    doubled = product(*([lanes << k for k in range(_DOUBLINGS)] for lanes in narrowest))
    for lanes in sorted(doubled, key=lambda choice: (sum(choice), choice)):
        try:
            plan = make_plan(network, lanes, target)
        except TwinspikeError:
            continue
        cells = logic_cells(plan) if calibrated(plan) else 0
        if ram_blocks(plan) <= device.ram_blocks and cells <= FILL * device.logic_cells:
            yield lanes


def _widen(network, best: Prediction, candidate) -> Prediction:
    """Double one layer's lanes at a time, the one that saves most, until none saves a clock."""
    while True:
        tried = []
        for index, layer in enumerate(network.layers[number] for number in firing(network)):
            wider = 2 * best.lanes[index]
            if wider <= layer.neurons:
                tried.append(candidate((*best.lanes[:index], wider, *best.lanes[index + 1 :])))
        better = [x for x in tried if x and x.latency_cycles < best.latency_cycles]
        if not better:
            return best
        best = min(better, key=lambda x: x.latency_cycles)


def _bank_choices(network: Network, target: str) -> Iterator[tuple[int, ...]]:
    """Banks of wide cores for the devices that have room for one: the same or fewer in later layers."""
    if DEVICES[target].architecture != "ecp5":
        return
    for banks in product(EVENTS_PER_CLOCK, repeat=len(network.layers)):
        if all(a >= b for a, b in pairwise(banks)):
            yield banks
