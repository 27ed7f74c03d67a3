"""What an image costs in clocks of the core, as a differentiable function of its spikes.

The cycle contract (hw/predict/cycles.py) at the grain of whole steps. The layers and the readout are a line
of stations; station l is done with step t at

    end(l, t) = max(end(l, t - 1), end(l - 1, t) + HAND_OVER) + clocks(l, t)

where clocks(l, t) is what the layer's plan says of each event that arrives in step t, and of its TICK; the
readout takes an event per clock, and longer for a TICK. An event of a map costs what its place in the map
costs: those at the border meet fewer weights. The clocks for which a convolution's pair waits for its state
word are left out. The recurrence is made of maxima and sums, so gradients reach exactly the spikes on the
critical path. Tests hold it to within 5 per cent of the contract, 10 where there are convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..hw.plan import CorePlan, LayerPlan, plan_for
from ..numerics.errors import TwinspikeError, out_of_range
from .blank import blank_network
from .events import Events

if TYPE_CHECKING:
    from ..config import Config

# From the start of a sweep to its first word readable at the next station, as in hw/predict/cycles.py.
HAND_OVER = 8


class Station(NamedTuple):
    """Clocks of a layer: for an event at each address, float [addresses] or one number, and for a TICK."""

    event_clocks: Tensor | float
    tick_clocks: float

    def clocks(self, spikes: Tensor | Events) -> Tensor:
        """Clocks that each step of each image takes, [T, B], of spikes [T, B, addresses] or events."""
        if isinstance(self.event_clocks, Tensor):
            arrived = (
                spikes.weighted(self.event_clocks)
                if isinstance(spikes, Events)
                else (spikes @ self.event_clocks.to(spikes.device))
            )
        else:
            arrived = self.event_clocks * spikes_per_step(spikes)
        return arrived + self.tick_clocks


class CycleCost(NamedTuple):
    """A core's times in clocks: those of each layer; in the readout those after a TICK, before it takes
    another event, and from the last TICK to the result."""

    stations: tuple[Station, ...]
    tick_cycles: int
    result_cycles: int

    def arriving(self, spikes: Tensor | Events) -> Tensor:
        """Clocks [T, B] of the first layer for the input's spikes."""
        return self.stations[0].clocks(spikes)

    def latency(self, arriving: Tensor, trains: Sequence[Tensor]) -> Tensor:
        """Clocks [B] from a frame's first word to its result.

        arriving [T, B] as of :meth:`arriving`; trains [T, B, N]: every layer's spikes, first to last.
        """
        costs = [arriving, *(s.clocks(train) for s, train in zip(self.stations[1:], trains, strict=False))]
        costs.append(trains[-1].sum(2) + self.tick_cycles)
        ends = [torch.zeros_like(costs[0][0]) for _ in costs]
        for t in range(len(costs[0])):
            arrived = ends[0]
            for station, cost in enumerate(costs):
                ends[station] = torch.maximum(ends[station], arrived) + cost[t]
                arrived = ends[station] + HAND_OVER
        return ends[-1] - self.tick_cycles + self.result_cycles

    def penalty(self, arriving: Tensor, trains: Sequence[Tensor], target: float) -> Tensor:
        """Thousands of clocks by which the batch's mean latency exceeds `target`, differentiable."""
        return torch.relu(self.latency(arriving, trains).mean() - target) / 1000

    def check_target(self, arriving: Tensor, target: float) -> None:
        """Raise TwinspikeError if the input's clocks [T, B] alone exceed `target`, with silent layers."""
        silent = [torch.zeros(*arriving.shape, 1, device=arriving.device) for _ in self.stations]
        quiet = CycleCost(
            tuple(Station(0.0, station.tick_clocks) for station in self.stations),
            self.tick_cycles,
            self.result_cycles,
        )
        least = quiet.latency(arriving, silent).mean().item()
        if least > target:
            raise TwinspikeError(
                f"training.cycles_target = {target:g} cannot be met: input events alone take {least:,.0f} "
                "clocks per image; use more hardware.lanes, an encoder of fewer events or fewer timesteps"
            )


def cost_of(plan: CorePlan) -> CycleCost:
    """The times of a planned core."""
    dividing = plan.split.division_clocks + 1 if plan.split else 0
    stations = [_station(layer, 0 if index else dividing) for index, layer in enumerate(plan.layers)]
    return CycleCost(tuple(stations), plan.tick_clocks, plan.result_clocks)


def _station(plan: LayerPlan, least: float) -> Station:
    """A layer's times; an event takes `least` clocks, in which its address is divided into bit fields."""
    clocks = np.zeros(plan.layer.inputs, dtype=np.float32)
    arrivals = range(plan.inputs) if plan.arrivals is None else plan.arrivals.tolist()
    for address, meant in enumerate(arrivals):
        if meant >= 0:
            clocks[meant] = max(least, plan.event_clocks(address))
    uniform = bool((clocks == clocks[0]).all())
    return Station(float(clocks[0]) if uniform else torch.from_numpy(clocks), float(plan.tick_clocks))


def cycle_cost(config: Config, classes: int, shape: tuple[int, ...]) -> CycleCost:
    """The times of the core that `config` asks for, with one reference for each of `classes`.

    The plan is the generator's own, for a network behind images of `shape` whose weights do not matter yet.
    """
    for index, settings in enumerate(config.layers):
        if settings.sources not in ((), (index - 1,)):
            where, allowed = (
                f"layers.{index}.sources",
                "the layer before, where training.cycles_weight prices clocks",
            )
            raise out_of_range(where, list(settings.sources), allowed)
    return cost_of(plan_for(blank_network(config, shape, np.arange(classes)), config.hardware, "generic"))


def spikes_per_step(spikes: Tensor | Events) -> Tensor:
    """Spikes of each image in each step, [T, B], of spikes [T, B, A] or events."""
    return spikes.per_step() if isinstance(spikes, Events) else spikes.sum(2)
