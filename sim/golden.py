"""Golden model: the integer network in numpy, vectorised over a batch of frames.

Every spike of torch's evaluation pass, of the RTL and of the netlist is held against this one.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from ..numerics import emd, lif
from ..numerics.errors import out_of_range
from ..quant.layer import Layer
from ..quant.network import Network


@dataclasses.dataclass(frozen=True)
class Results:
    """One record a frame, as the core's result stream gives it; int64 [B] each, `same` bool [B]."""

    label: np.ndarray
    distance: np.ndarray
    runner_up: np.ndarray
    same: np.ndarray


@dataclasses.dataclass(frozen=True)
class Trace:
    """What the network did: spikes bool [T, B, N] a layer; membranes int32 alike, if asked for."""

    spikes: tuple[np.ndarray, ...]
    membranes: tuple[np.ndarray, ...] | None
    results: Results

    def first(self, frames: int) -> "Trace":
        """What it holds of the first `frames` frames."""
        r = self.results
        return Trace(
            spikes=tuple(s[:, :frames] for s in self.spikes),
            membranes=None if self.membranes is None else tuple(v[:, :frames] for v in self.membranes),
            results=Results(r.label[:frames], r.distance[:frames], r.runner_up[:frames], r.same[:frames]),
        )

    @property
    def output_counts(self) -> np.ndarray:
        """Cumulative output counts int32 [T, B, n_out]."""
        return emd.cumulative_counts(self.spikes[-1])


def run(network: Network, spikes: np.ndarray, *, membranes: bool = False, batch: int = 1000) -> Trace:
    """Run input spikes bool [T, B, inputs] through the network; `batch` bounds the memory used.

    Raises TwinspikeError if T or the number of inputs is not the network's.
    """
    expected = (network.timesteps, network.inputs)
    if spikes.ndim != 3 or (spikes.shape[0], spikes.shape[2]) != expected:
        raise out_of_range("input spikes shape", spikes.shape, f"[{expected[0]}, frames, {expected[1]}]")
    parts = [
        _run_layers(network, spikes[:, start : start + batch], membranes)
        for start in range(0, max(1, spikes.shape[1]), batch)
    ]
    depth = range(len(network.layers))
    trains = tuple(np.concatenate([part[0][i] for part in parts], axis=1) for i in depth)
    states = (
        tuple(np.concatenate([part[1][i] for part in parts], axis=1) for i in depth) if membranes else None
    )
    return Trace(trains, states, classify(network, emd.cumulative_counts(trains[-1])))


def classify(network: Network, counts: np.ndarray) -> Results:
    """The readout's answer and the same/different decision for counts [T, B, n_out].

    "emd": the nearest reference. "counts": the output neuron with most spikes, a tie going to the lower
    index; its distance is T minus its count, the spikes that it lacks to one in every step.
    """
    if network.readout == "counts":
        label, best, runner_up = emd.nearest(network.timesteps - counts[-1].astype(np.int64))
    else:
        index, best, runner_up = emd.nearest(emd.distances(counts, network.references.counts))
        label = network.references.labels[index].astype(np.int64)
    return Results(label, best, runner_up, best <= network.verify_threshold)


def _run_layers(network: Network, spikes: np.ndarray, membranes: bool) -> tuple[list, list]:
    trains, states = [], []
    for layer in network.layers:
        spikes, v = run_layer(layer, spikes, membranes)
        trains.append(spikes)
        states.append(v)
    return trains, states


def run_layer(
    layer: Layer, spikes: np.ndarray, membranes: bool = False, *, wrap_bits: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Spikes [T, B, N] of one layer, and its membranes if asked for.

    `spikes` may hold integers, how often each weight is added: duplicate events, which no sound stream has.
    With `wrap_bits` the sum before the clamp wraps around as an accumulator of that width would.
    """
    timesteps, batch, _ = spikes.shape
    # int64 throughout: 32767 inputs x 127 plus a 32-bit bias and state stay far inside it.
    bias, threshold = layer.bias.astype(np.int64), layer.threshold.astype(np.int64)
    v = np.zeros((batch, layer.neurons), dtype=np.int64)
    fired = np.zeros(v.shape, dtype=bool)
    out = np.empty((timesteps, *v.shape), dtype=bool)
    trace = np.empty((timesteps, *v.shape), dtype=np.int32) if membranes else None
    spec = layer.spec
    for t, current in enumerate(currents(layer, spikes)):
        if wrap_bits is not None:
            before = lif.leak(v, spec.leak_shift) + bias
            half = 1 << (wrap_bits - 1)
            current = ((before + current + half) & (2 * half - 1)) - half - before
        v, fired, out[t] = lif.step(
            v, fired, current, bias, threshold,
            leak_shift=spec.leak_shift, reset=spec.reset,
            single_spike=spec.single_spike, state_bits=spec.state_bits,
        )  # fmt: skip
        if trace is not None:
            trace[t] = v
    return out, trace


def currents(layer: Layer, spikes: np.ndarray) -> Iterator[np.ndarray]:
    """Weighted sums of each step of `spikes` [T, B, inputs], without the bias: int64 [B, out] each."""
    weight = layer.weight.T.astype(np.float32)
    for step in spikes:
        # float32 is exact: |sum| <= 32768 * 127 < 2^24.
        yield (step.astype(np.float32) @ weight).astype(np.int64)
