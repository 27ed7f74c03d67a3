"""What an image costs in clocks of the core, as a differentiable function of its spikes.

The cycle contract (hw/predict/cycles.py) at the grain of whole steps. The layers and the readout are a line
of stations. Each walks the events of a step, then sweeps its state words for the TICK; the next station may
begin its walk once the first word of that sweep has reached it, and its own sweep once the last one has:

    begin(l, t) = max(end(l, t - 1), first(l - 1, t) + HAND_OVER)
    sweep(l, t) = max(begin(l, t) + walk(l, t) + settling, last(l - 1, t) + HAND_OVER)
    first, last = when that sweep visits its first and its last word
    end(l, t)   = when it can take an event again

where walk(l, t) is what the layer's plan says of each event that arrives in step t. An event of a map costs
what its place in the map costs: those at the border meet fewer weights. A convolution's sweep grows with the
words that events have reached in the frame, and further events of one place wait for its words
(model/loss/reach.py); other waits are left out. A pool takes two clocks for each event that comes. The
recurrence is made of maxima and sums, so gradients reach exactly the spikes on the critical path. Tests hold
it to within 5 per cent of the contract, 10 where there are maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...hw.plan import CorePlan, LayerPlan, plan_for
from ...hw.plan.conv import EVENT_CLOCKS
from ...hw.plan.pool import PoolPlan
from ...hw.plan.relay import RelayPlan
from ...numerics.errors import TwinspikeError, out_of_range
from ...quant.layers.pool import QuantPool
from ..inputs.events import Events
from ..network.blank import blank_network
from .reach import Reach, addresses, reach_of

if TYPE_CHECKING:
    from ...config import Config

# From a word's turn in a sweep to its first spike at the next layer, ready to be walked, or in the readout.
HAND_OVER, TO_READOUT = 13, 11
# From a frame's first word taken to its first event's walk.
FIRST_EVENT = 3
# Where a sweep follows a list of words: from the last event to the sweep as from its last word to the next
# event, and from the sweep's beginning to its first word (hw/predict/conv_cycles.py).
SETTLING, FETCHING = 4, 2
# Clocks of a pool for an event or a TICK (hw/predict/pool_cycles.py).
POOL_CLOCKS = 2


class Station(NamedTuple):
    """Clocks of a layer: for an event at each address, float [addresses] or one number, and for a TICK.

    `reach`: of a layer whose sweep follows a list, what is on that list; `tick_clocks` is then the least
    length of the list. `pools`: what events pass on their way here, `passing` clocks each, and `source` the
    layer that they come from, -1 for the input. `once`: an input that counts several times is one event.
    """

    event_clocks: Tensor | float
    tick_clocks: float
    reach: Reach | None = None
    pools: tuple[QuantPool, ...] = ()
    passing: int = POOL_CLOCKS
    source: int = -1
    once: bool = False

    def clocks(self, spikes: Tensor | Events) -> Tensor:
        """Clocks for the events of each step of each image and for its TICK, [T, B, 2], of the spikes
        [T, B, addresses] of its source."""
        taken = self.passing * spikes_per_step(spikes) if self.pools else None
        for pool in self.pools:
            spikes = pool(spikes)
        if self.once and isinstance(spikes, Tensor):
            spikes = (spikes > 0).to(spikes.dtype)
        if isinstance(self.event_clocks, Tensor):
            walk = (
                spikes.weighted(self.event_clocks)
                if isinstance(spikes, Events)
                else (spikes @ self.event_clocks.to(spikes.device))
            )
        else:
            walk = self.event_clocks * spikes_per_step(spikes)
        tick = torch.full_like(walk, self.tick_clocks)
        if self.reach is not None:
            waited, reached = self.reach.clocks(spikes)
            walk, tick = walk + waited, torch.maximum(tick, reached)
        if taken is not None:
            walk = torch.maximum(walk, taken)
        return torch.stack([walk, tick], 2)

    def walked(self, begin: Tensor, walk: Tensor) -> Tensor:
        """When a walk of `walk` clocks from `begin` on is over, and the sweep may begin."""
        return begin + walk if self.reach is None else begin + walk + SETTLING * (walk > 0)

    def sweep(self, begin: Tensor, tick: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """When a sweep of `tick` clocks visits its first and its last word, and when an event can follow."""
        if self.reach is None:
            return begin, begin + (tick - 1), begin + tick
        first = begin + FETCHING
        return first, first + (tick - 1), first + (tick - 1 + SETTLING)


class CycleCost(NamedTuple):
    """A core's times in clocks: those of each layer; in the readout those after a TICK, before it takes
    another event, and from the last TICK to the result."""

    stations: tuple[Station, ...]
    tick_cycles: int
    result_cycles: int

    def arriving(self, spikes: Tensor | Events) -> Tensor:
        """Clocks [T, B, 2] of the first layer for the input's spikes; see :meth:`Station.clocks`."""
        return self.stations[0].clocks(spikes)

    def latency(self, arriving: Tensor, trains: Sequence[Tensor]) -> Tensor:
        """Clocks [B] from a frame's first word to its result.

        arriving [T, B, 2] as of :meth:`arriving`; trains [T, B, N]: every layer's spikes, first to last.
        """
        costs = [arriving, *(station.clocks(trains[station.source]) for station in self.stations[1:])]
        steps = [cost.unbind(2) for cost in costs]
        to_readout, start = trains[-1].sum(2), torch.zeros_like(arriving[0, :, 0])
        ends = [start + FIRST_EVENT, *(start for _ in steps)]
        walked = start
        for t in range(len(arriving)):
            first = last = None
            for place, (station, (walk, tick)) in enumerate(zip(self.stations, steps, strict=True)):
                begin = ends[place] if first is None else torch.maximum(ends[place], first + HAND_OVER)
                sweep = station.walked(begin, walk[t])
                sweep = sweep if last is None else torch.maximum(sweep, last + HAND_OVER)
                first, last, ends[place] = station.sweep(sweep, tick[t])
            assert first is not None and last is not None  # there is a layer
            begin = torch.maximum(ends[-1], first + TO_READOUT)
            walked = torch.maximum(begin + to_readout[t], last + TO_READOUT)
            ends[-1] = walked + self.tick_cycles
        return walked + self.result_cycles

    def penalty(self, arriving: Tensor, trains: Sequence[Tensor], target: float) -> Tensor:
        """Thousands of clocks by which the batch's mean latency exceeds `target`, differentiable."""
        return torch.relu(self.latency(arriving, trains).mean() - target) / 1000

    def check_target(self, arriving: Tensor, target: float) -> None:
        """Raise TwinspikeError if the input's clocks [T, B, 2] alone exceed `target`, with silent layers."""
        silent = [torch.zeros_like(arriving[:, :, :1])]
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
    # An event leaves the divider a clock after its quotients are known, and the next one is taken after that.
    dividing = plan.split.division_clocks + 2 if plan.split else 0
    stations = []
    for index, layer in enumerate(plan.layers):
        pools, number = plan.before(index), plan.numbers[index]
        least = 0 if index else dividing
        stations.append(_station(layer, least, pools, number - 1 - len(pools)))
    # A result of counted spikes comes 2 clocks after the last TICK.
    result = 2 if plan.network.readout == "counts" else plan.result_clocks
    return CycleCost(tuple(stations), plan.tick_clocks, result)


def _station(plan: LayerPlan, least: int, pools: Sequence[RelayPlan], source: int) -> Station:
    """A layer's times; an event takes `least` clocks, in which its address is divided into bit fields.

    Between pools and dividers there is room for one event: each takes as long as the slowest of them.
    """
    passing = max(least, POOL_CLOCKS) if pools else 0
    least = max(least, passing)
    clocks = np.array([max(least, plan.event_clocks(int(a))) for a in addresses(plan)], np.float32)
    uniform = bool((clocks == clocks[0]).all())
    return Station(
        float(clocks[0]) if uniform else torch.from_numpy(clocks),
        1.0 if plan.sweeps_reached else float(len(plan.sweep) if plan.listed else plan.tick_clocks),
        reach_of(plan, max(least, EVENT_CLOCKS)) if plan.listed else None,
        tuple(QuantPool(pool.pool) for pool in pools if isinstance(pool, PoolPlan)),
        passing,
        source,
        plan.most > 1,
    )


def cycle_cost(config: Config, classes: int, shape: tuple[int, ...]) -> CycleCost:
    """The times of the core that `config` asks for, with one reference for each of `classes`.

    The plan is the generator's own, for a network behind images of `shape` whose weights do not matter yet.
    """
    if config.readout != "emd":
        raise out_of_range("readout", config.readout, "emd, where training.cycles_weight prices clocks")
    for index, settings in enumerate(config.layers):
        if settings.kind == "delay":
            where, allowed = f"layers.{index}.kind", "no delays, where training.cycles_weight prices clocks"
            raise out_of_range(where, settings.kind, allowed)
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
