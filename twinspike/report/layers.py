"""What each layer costs an image: spikes, synaptic operations, clocks, memory, and which one is busiest."""

import dataclasses
from math import prod
from typing import Any

import numpy as np

from twinspike.hw.plan import CorePlan, LayerPlan
from twinspike.quant.network import Network
from twinspike.sim import golden
from twinspike.sim.golden import Trace

# Words that events reach are followed event by event, which is slow in Python.
MOST_IMAGES = 16


@dataclasses.dataclass(frozen=True)
class LayerRow:
    """One layer as the page shows it; means over images.

    `clocks`, `words` (swept a step, of `all_words`), `lanes` and the bits of state are None without a core.
    `busiest`: it takes the most clocks, so the time from one image to the next is about its own.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    neurons: int
    weights: int
    spikes: float
    operations: float
    weight_bits: int
    lanes: int | None = None
    clocks: float | None = None
    words: float | None = None
    all_words: int | None = None
    rule: str = ""
    state_bits: int | None = None
    busiest: bool = False

    @property
    def size(self) -> str:
        """The shape of its map, or the neurons of a dense layer."""
        return " x ".join(map(str, self.shape))


def layer_rows(network: Network, spikes: np.ndarray, trace: Trace, plan: CorePlan | None) -> list[LayerRow]:
    """A row for each layer, from input spikes [T, B, inputs] and what the golden model made of them.

    `plan` is the core, if one can be made; only a serial core's layers have clocks of their own here.
    """
    images = min(MOST_IMAGES, spikes.shape[1])
    rows = []
    for index, layer in enumerate(network.layers):
        sources = [spikes if s < 0 else trace.spikes[s] for s in network.sources(index)]
        arriving = golden.combined([one[:, :images] for one in sources], layer.combine)
        counts = arriving.astype(np.int64).sum(axis=0)  # [B, inputs]
        fan_out = np.array([layer.synapses.fan_out(address) for address in range(layer.inputs)])
        fires = layer.synapses.fires
        row = LayerRow(
            name=f"layer {index}",
            kind=layer.kind,
            shape=layer.shape,
            neurons=layer.neurons if fires else 0,
            weights=layer.weight.size if layer.weights_of is None else 0,
            spikes=float(trace.spikes[index][:, :images].sum() / images),
            operations=float((counts @ fan_out).mean()),
            weight_bits=prod(layer.weight.shape) * layer.spec.weight_bits if fires else 0,
        )
        planned = _plan_of(plan, network, index)
        own: dict[str, Any] = _hardware(planned, arriving) if planned else {}
        rows.append(dataclasses.replace(row, **own))
    timed = [row for row in rows if row.clocks is not None]
    if timed:
        most = max(timed, key=lambda row: row.clocks or 0)
        rows = [dataclasses.replace(row, busiest=row is most) for row in rows]
    return rows


def _plan_of(plan: CorePlan | None, network: Network, index: int) -> LayerPlan | None:
    """The layer's own plan in a serial core that has one for each layer."""
    if plan is None or plan.wide or len(plan.layers) != len(network.layers):
        return None
    return plan.layers[index]


def _hardware(plan: LayerPlan, arriving: np.ndarray) -> dict[str, object]:
    """Clocks, swept words and memory of a layer behind spikes [T, B, inputs].

    Waits for a word that is still being written are left out; a simulation counts them.
    """
    timesteps, images, inputs = arriving.shape
    address_of = np.arange(inputs)
    if plan.arrivals is not None:
        real = np.flatnonzero(plan.arrivals >= 0)
        address_of[plan.arrivals[real]] = real
    clocks = np.array([plan.event_clocks(int(address)) for address in address_of])
    events = arriving.astype(np.int64).sum(axis=0) @ clocks
    if plan.sweeps_reached:
        swept = np.array([_reached(plan, arriving[:, b], address_of) for b in range(images)], float)
        rule = "words that events have reached"
    else:
        swept = np.full(images, float(timesteps * len(plan.sweep)))
        rule = "every word"
    ticks = swept if plan.listed else np.full(images, float(timesteps * plan.tick_clocks))
    return {
        "lanes": plan.lanes,
        "clocks": float((events + ticks).mean()),
        "words": float(swept.mean() / timesteps),
        "all_words": len(plan.sweep),
        "rule": rule,
        "state_bits": plan.words * plan.lanes * plan.accumulator_bits,
    }


def _reached(plan: LayerPlan, spikes: np.ndarray, address_of: np.ndarray) -> int:
    """Words that the TICKs of a frame [T, inputs] visit: in each step what was reached up to it."""
    reached: set[int] = set()
    total = 0
    for step in spikes:
        for address in address_of[np.flatnonzero(step)].tolist():
            reached.update(visit.state_word for visit in plan.visits(address))
        total += max(1, len(reached))
    return total
