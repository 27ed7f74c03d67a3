"""Golden model: the integer network in numpy, vectorised over a batch of frames.

Every spike of torch's evaluation pass, of the RTL and of the netlist is held against this one.
"""

import dataclasses

import numpy as np

from ..numerics import emd
from ..numerics.errors import out_of_range
from ..numerics.lif import state_range
from ..quant.layer import Layer
from ..quant.network import Network
from ..quant.neurons import currents, moments

# A threshold beyond every membrane.
NEVER = 1 << 40


@dataclasses.dataclass(frozen=True)
class Results:
    """One record per frame, as the core's result stream gives it; int64 [B] each, `same` and `own` bool [B].

    Not `same`: the nearest reference is too far away, whose it is is unknown. `own`: that was decided by the
    reference's own threshold.
    """

    label: np.ndarray
    distance: np.ndarray
    runner_up: np.ndarray
    same: np.ndarray
    own: np.ndarray


@dataclasses.dataclass(frozen=True)
class Trace:
    """What the network did: spikes bool [T, B, N] a layer; membranes int32 alike, if asked for.

    `sums` are those of the last layer's membranes, int64 [B, n_out], where the readout adds them up.
    The train of a sum pool holds multiplicities, int32; membranes of a layer without neurons are 0.
    """

    spikes: tuple[np.ndarray, ...]
    membranes: tuple[np.ndarray, ...] | None
    results: Results
    sums: np.ndarray | None = None

    def part(self, frames: slice) -> "Trace":
        """What it holds of some of the frames."""
        r = self.results
        return Trace(
            spikes=tuple(s[:, frames] for s in self.spikes),
            membranes=None if self.membranes is None else tuple(v[:, frames] for v in self.membranes),
            results=Results(*(getattr(r, field.name)[frames] for field in dataclasses.fields(r))),
            sums=None if self.sums is None else self.sums[frames],
        )

    @property
    def output_counts(self) -> np.ndarray:
        """Cumulative output counts int32 [T, B, n_out]."""
        return emd.cumulative_counts(self.spikes[-1])


# Steps times neurons of the widest layer times frames that are held at once, in currents of 64 bits.
MOST_CURRENTS = 1 << 25


def run(network: Network, spikes: np.ndarray, *, membranes: bool = False, batch: int = 1000) -> Trace:
    """Run input spikes bool [T, B, inputs] through the network, at most `batch` frames at a time.

    Frames of many steps through wide layers go fewer at a time, which bounds the memory used.

    Integers are multiplicities, those of the graded encoder.
    Raises TwinspikeError if T or the number of inputs is not the network's.
    """
    expected = (network.timesteps, network.inputs)
    if spikes.ndim != 3 or (spikes.shape[0], spikes.shape[2]) != expected:
        raise out_of_range("input spikes shape", spikes.shape, f"[{expected[0]}, frames, {expected[1]}]")
    widest = max(layer.neurons for layer in network.layers)
    batch = min(batch, max(1, MOST_CURRENTS // (network.timesteps * widest)))
    parts = [
        _run_layers(network, spikes[:, start : start + batch], membranes)
        for start in range(0, max(1, spikes.shape[1]), batch)
    ]
    depth = range(len(network.layers))
    trains = tuple(np.concatenate([part[0][i] for part in parts], axis=1) for i in depth)
    states = (
        tuple(np.concatenate([part[1][i] for part in parts], axis=1) for i in depth) if membranes else None
    )
    if network.readout == "membrane":
        sums = np.concatenate([part[2] for part in parts])
        return Trace(trains, states, by_sums(network, sums), sums)
    return Trace(trains, states, classify(network, emd.cumulative_counts(trains[-1])))


def classify(network: Network, counts: np.ndarray) -> Results:
    """The readout's answer and the same/different decision for counts [T, B, n_out].

    "emd": the nearest reference. "counts": the output neuron with most spikes, a tie going to the lower
    index; its distance is T minus its count, the spikes that it lacks to one in every step.
    """
    if network.readout == "counts":
        label, best, runner_up = emd.nearest(network.timesteps - counts[-1].astype(np.int64))
        return _by_one_threshold(network, label, best, runner_up)
    index, best, runner_up = emd.nearest(emd.distances(counts, network.references.counts))
    label = network.references.labels[index].astype(np.int64)
    own = np.full(len(label), network.references.threshold is not None)
    return Results(label, best, runner_up, best <= network.thresholds[index], own)


def by_sums(network: Network, sums: np.ndarray) -> Results:
    """As :func:`classify` for the readout "membrane", of each output's u summed over all steps, int64 [B, n].

    The largest sum wins, a tie going to the lower index; its distance is what it lacks to the greatest
    possible one, the highest membrane in every step.
    """
    return _by_one_threshold(network, *emd.nearest(lacks(network, sums)))


def _by_one_threshold(
    network: Network, label: np.ndarray, best: np.ndarray, runner_up: np.ndarray
) -> Results:
    return Results(label, best, runner_up, best <= network.verify_threshold, np.zeros(len(label), bool))


def lacks(network: Network, sums: np.ndarray) -> np.ndarray:
    """What summed membranes lack to the greatest possible sum: the distances of the readout "membrane"."""
    _, highest = state_range(network.layers[-1].spec.state_bits)
    return network.timesteps * highest - sums


def _run_layers(network: Network, spikes: np.ndarray, membranes: bool) -> tuple[list, list, np.ndarray]:
    """Trains and membranes of every layer, and the sums of the last one's where it never fires."""
    trains: list[np.ndarray] = []
    states: list[np.ndarray | None] = []
    for index, layer in enumerate(network.layers):
        inputs = combined([spikes if s < 0 else trains[s] for s in network.sources(index)], layer.combine)
        if network.readout == "membrane" and index == len(network.layers) - 1:
            train, u = run_silent(layer, inputs)
            trains.append(train)
            return trains, [*states, u], u.sum(axis=0, dtype=np.int64)
        train, v = run_layer(layer, inputs, membranes)
        trains.append(train)
        states.append(v)
    return trains, states, np.zeros((spikes.shape[1], 0), np.int64)


def run_silent(
    layer: Layer, spikes: np.ndarray, *, wrap_bits: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`run_layer` for a layer that never fires: no spike, and the membranes u, never reset."""
    never = np.full(layer.neurons, NEVER, np.int64)
    steps = moments(layer, currents(layer, spikes), threshold=never, wrap_bits=wrap_bits)
    v = np.stack([now.v for now in steps]).astype(np.int32)
    return np.zeros(v.shape, bool), v


def combined(trains: list[np.ndarray], how: str) -> np.ndarray:
    """What a layer sees of its sources' spikes [T, B, N]: a sum of multiplicities, or a logical combination.

    "iand" is a spike of the first source that the second one does not have.
    """
    if len(trains) == 1:
        return trains[0]
    if how == "add":
        return np.asarray(np.sum(trains, axis=0, dtype=np.int64))
    if how == "and":
        return np.logical_and.reduce(trains)
    return np.logical_and(trains[0], np.logical_not(trains[1]))


def run_layer(
    layer: Layer, spikes: np.ndarray, membranes: bool = False, *, wrap_bits: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Spikes [T, B, N] of one layer, and its membranes if asked for.

    `spikes` may hold integers, how often each weight is added: duplicate events, which no sound stream has.
    With `wrap_bits` the sum before the clamp wraps around as an accumulator of that width would.
    """
    shape = (*spikes.shape[:2], layer.neurons)
    if not layer.synapses.fires:
        return layer.synapses.trains(spikes), np.zeros(shape, np.int32) if membranes else None
    out = np.empty(shape, dtype=bool)
    trace = np.empty(shape, dtype=np.int32) if membranes else None
    for t, now in enumerate(moments(layer, currents(layer, spikes), wrap_bits=wrap_bits)):
        out[t] = now.spikes
        if trace is not None:
            trace[t] = now.v
    return out, trace
