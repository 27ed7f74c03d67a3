"""What each layer costs an image: spikes, synaptic operations, clocks, memory, and which one is busiest."""

import dataclasses
from math import prod
from typing import Any

import numpy as np

from twinspike.hw.plan import CorePlan, LayerPlan
from twinspike.hw.plan.wide_conv import WideConvPlan
from twinspike.hw.predict.alone import clocks_alone
from twinspike.quant.network import Network
from twinspike.sim import golden
from twinspike.sim.golden import Trace

# Words that events reach are followed event by event, which is slow in Python.
MOST_IMAGES = 16


@dataclasses.dataclass(frozen=True)
class LayerRow:
    """One layer as the page shows it; means over images.

    `bits`: of a weight. `clocks`, `words` (swept a step, of `all_words`), `lanes` and the bits of state are
    None without a core.
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
    bits: int = 0
    busiest: bool = False

    @property
    def sweep(self) -> str:
        """What a TICK sweeps, in words; nothing without a core."""
        if self.words is not None:
            return f"{self.words:.1f} of {self.all_words}: {self.rule}"
        return f"{self.all_words} rows: {self.rule}" if self.rule else "–"

    @property
    def size(self) -> str:
        """The shape of its map, or the neurons of a dense layer."""
        return " x ".join(map(str, self.shape))


def layer_rows(network: Network, spikes: np.ndarray, trace: Trace, plan: CorePlan | None) -> list[LayerRow]:
    """A row for each layer, from input spikes [T, B, inputs] and what the golden model made of them.

    `plan` is the core, if one can be made; only a serial core's layers have clocks of their own: those that
    the layer takes by itself (hw/predict/alone.py).
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
            bits=layer.spec.weight_bits if fires else 0,
            weight_bits=prod(layer.weight.shape) * layer.spec.weight_bits if fires else 0,
        )
        place = _place(plan, index)
        if plan is not None and place is not None:
            part = trace.part(slice(images)).spikes
            found = (
                _wide(plan, place) if plan.wide else _serial(plan, place, spikes[:, :images], part, arriving)
            )
            row = dataclasses.replace(row, **found)
        rows.append(row)
    timed = [row for row in rows if row.clocks is not None]
    if timed:
        most = max(timed, key=lambda row: row.clocks or 0)
        rows = [dataclasses.replace(row, busiest=row is most) for row in rows]
    return rows


def _place(plan: CorePlan | None, index: int) -> int | None:
    """Which of the core's layers layer `index` of the network is; None for one without neurons."""
    return plan.numbers.index(index) if plan is not None and index in plan.numbers else None


def _wide(plan: CorePlan, place: int) -> dict[str, Any]:
    """Lanes and memory of a layer of a core of several events per clock, whose layers share their clocks."""
    layer = plan.layers[place]
    banks = f", {layer.banks} banks" if isinstance(layer, WideConvPlan) else ""
    events = layer.events_per_clock
    return {
        "lanes": layer.lanes,
        "all_words": len(layer.sweep),
        "rule": f"{events} event{'s' if events > 1 else ''} per clock{banks}",
        "state_bits": layer.words * layer.lanes * layer.accumulator_bits,
    }


def _serial(
    plan: CorePlan, place: int, spikes: np.ndarray, layers: tuple[np.ndarray, ...], arriving: np.ndarray
) -> dict[str, Any]:
    """Clocks by the cycle contract, swept words and memory of a layer behind spikes [T, B, inputs]."""
    layer = plan.layers[place]
    timesteps, images, inputs = arriving.shape
    if layer.sweeps_reached:
        address_of = np.arange(inputs)
        if layer.arrivals is not None:
            real = np.flatnonzero(layer.arrivals >= 0)
            address_of[layer.arrivals[real]] = real
        swept = np.array([_reached(layer, arriving[:, b], address_of) for b in range(images)], float)
        rule = "words that events have reached"
    else:
        swept = np.full(images, float(timesteps * len(layer.sweep)))
        rule = "every word"
    return {
        "lanes": layer.lanes,
        "clocks": float(clocks_alone(plan, place, spikes, layers).mean()),
        "words": float(swept.mean() / timesteps),
        "all_words": len(layer.sweep),
        "rule": rule,
        "state_bits": layer.words * layer.lanes * layer.accumulator_bits,
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
