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
    clamp wraps around as an accumulator of that width would. In int64, in which 32767 inputs x 127 and a bias
    and state of 32 bits have room; in int32, twice as fast, where all of them fit with bits to spare.
    """
    spec = layer.spec
    bias = layer.synapses.spread(layer.bias.astype(np.int64))
    if threshold is None:
        threshold = layer.synapses.spread(layer.threshold.astype(np.int64))
    narrow = wrap_bits is None and _fit(spec.state_bits, bias, threshold)
    for t, current in enumerate(currents):
        if t == 0:
            narrow = narrow and current.dtype == np.int32
            number = np.int32 if narrow else np.int64
            v: np.ndarray = np.zeros(1, dtype=number)
            fired: np.ndarray = np.zeros(1, dtype=bool)
            bias, threshold = bias.astype(number), threshold.astype(number)
        total = lif.leak(v, spec.leak_shift, spec.forget) + bias + current
        if wrap_bits is not None:
            half = 1 << (wrap_bits - 1)
            total = ((total + half) & (2 * half - 1)) - half
        v, fired, spikes = lif.fire(
            total,
            fired,
            threshold,
            reset=spec.reset,
            single_spike=spec.single_spike,
            state_bits=state_bits or spec.state_bits,
        )
        yield Moment(total, v, spikes)


def _fit(state_bits: int, bias: np.ndarray, threshold: np.ndarray) -> bool:
    """Whether state, bias and threshold leave int32 room for sums of 24 bits, as int32 currents are."""
    return state_bits <= 28 and all(int(np.abs(x).max(initial=0)) < 1 << 28 for x in (bias, threshold))
