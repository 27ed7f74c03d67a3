"""What an image costs in clocks of the core, as a differentiable function of its spikes.

The cycle contract (hw/predict/cycles.py) at the grain of whole steps. The layers and the readout are a line
of stations; station l is done with step t at

    end(l, t) = max(end(l, t - 1), end(l - 1, t) + HAND_OVER) + (events(l, t) + 1) * C_l

where C_l = clocks an event or TICK; the readout takes an event a clock, and longer for a TICK. The
recurrence is made of maxima and sums, so gradients reach exactly the spikes on the critical path. A test
holds it to within a few per cent of the contract.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..numerics.errors import TwinspikeError
from .events import Events

# From the start of a sweep to its first word readable at the next station, as in hw/predict/cycles.py.
HAND_OVER = 8


class CycleCost(NamedTuple):
    """A core's times in clocks: an event's in each layer; in the readout those after a TICK, before it
    takes another event, and from the last TICK to the result."""

    row_cycles: tuple[int, ...]
    tick_cycles: int
    result_cycles: int

    def latency(self, events: Sequence[Tensor]) -> Tensor:
        """Clocks [B] from a frame's first word to its result.

        events [T, B]: those of the input and of every layer, first to last.
        """
        costs = [(n + 1) * c for n, c in zip(events[:-1], self.row_cycles, strict=True)]
        costs.append(events[-1] + self.tick_cycles)
        ends = [torch.zeros_like(costs[0][0]) for _ in costs]
        for t in range(len(costs[0])):
            arrived = ends[0]
            for station, cost in enumerate(costs):
                ends[station] = torch.maximum(ends[station], arrived) + cost[t]
                arrived = ends[station] + HAND_OVER
        return ends[-1] - self.tick_cycles + self.result_cycles

    def penalty(self, inputs: Tensor, trains: Sequence[Tensor], target: float) -> Tensor:
        """Thousands of clocks by which the batch's mean latency exceeds `target`, differentiable.

        inputs [T, B]: the input's events; trains [T, B, N]: every layer's spikes.
        """
        events = [inputs, *(train.sum(2) for train in trains)]
        return torch.relu(self.latency(events).mean() - target) / 1000

    def check_target(self, inputs: Tensor, target: float) -> None:
        """Raise TwinspikeError if input events [T, B] alone take longer than `target`, with silent layers."""
        silent = [torch.zeros_like(inputs)] * len(self.row_cycles)
        least = self.latency([inputs, *silent]).mean().item()
        if least > target:
            raise TwinspikeError(
                f"training.cycles_target = {target:g} cannot be met: input events alone take {least:,.0f} "
                "clocks an image; use more hardware.lanes, an encoder of fewer events or fewer timesteps"
            )


def spikes_per_step(spikes: Tensor | Events) -> Tensor:
    """Spikes of each image in each step, [T, B], of spikes [T, B, A] or events."""
    return spikes.per_step() if isinstance(spikes, Events) else spikes.sum(2)
