"""A layer's neurons through the steps of a frame: the one loop around the integer rule of numerics/lif.py."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ..numerics import lif
from .layer import Layer


class Moment(NamedTuple):
    """One step of all neurons [B, N]: the sum before the clamp, the membrane after it, the spikes."""

    total: np.ndarray
    v: np.ndarray
    spikes: np.ndarray


def currents(layer: Layer, spikes: np.ndarray) -> Iterator[np.ndarray]:
    """Step after step, the weighted sums [B, N] of input spikes [T, B, inputs], without bias.

    Where the layer holds its input, those of step 0 count in every step.
    """
    held = layer.synapses.currents(layer.weight, spikes[0]) if layer.hold else None
    for step in spikes:
        yield layer.synapses.currents(layer.weight, step) if held is None else held


def moments(
    layer: Layer,
    currents: Iterable[np.ndarray],
    *,
    threshold: np.ndarray | None = None,
    state_bits: int | None = None,
    wrap_bits: int | None = None,
) -> Iterator[Moment]:
    """Step after step, for the weighted sums of each step without bias, integers [B, N].

    `threshold` int64 [N] and `state_bits` stand in for the layer's own. With `wrap_bits` the sum before the
    clamp wraps around as an accumulator of that width would. int64 throughout: 32767 inputs x 127 and a bias
    and state of 32 bits stay far inside it.
    """
    spec = layer.spec
    bias = layer.synapses.spread(layer.bias.astype(np.int64))
    if threshold is None:
        threshold = layer.synapses.spread(layer.threshold.astype(np.int64))
    v: np.ndarray = np.zeros(1, dtype=np.int64)
    fired: np.ndarray = np.zeros(1, dtype=bool)
    for current in currents:
        total = lif.leak(v, spec.leak_shift, spec.forget) + bias + current
        if wrap_bits is not None:
            half = 1 << (wrap_bits - 1)
            wrapped = ((total + half) & (2 * half - 1)) - half
            current, total = current + (wrapped - total), wrapped
        v, fired, spikes = lif.step(
            v,
            fired,
            current,
            bias,
            threshold,
            leak_shift=spec.leak_shift,
            reset=spec.reset,
            single_spike=spec.single_spike,
            state_bits=state_bits or spec.state_bits,
            forget=spec.forget,
        )
        yield Moment(total, v, spikes)
