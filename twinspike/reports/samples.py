"""Single test images on their way through the network: pixels, spikes, counts, distances, answer."""

import dataclasses

import numpy as np

from twinspike.quant.class_names import label_name
from twinspike.quant.network import Network
from twinspike.sim import golden
from twinspike.sim.golden import Trace

from .drawing import between_path, data_address, raster_path, step_path, thinned, tiled

# Of each class one that is recognised, then some that are not.
MOST_RIGHT, MOST_WRONG = 10, 2
# Steps that have a number below a raster, at most.
MOST_TICKS = 8
# Small figures of output neurons, and references ranked, at most.
MOST_NEURONS, MOST_REFERENCES = 48, 10


@dataclasses.dataclass(frozen=True)
class Raster:
    """The spikes of one population: `path` in a box of `steps` by `rows`; rows may join neurons.

    On feature maps `picture` shows how often each place of each of `channels` maps spiked; "" elsewhere.
    """

    name: str
    spikes: int
    neurons: int
    steps: int
    rows: int
    path: str
    picture: str = ""
    channels: int = 0

    @property
    def ticks(self) -> list[int | None]:
        """A label for each step below it, None where there is no room: the first one and every so many."""
        apart = -(-self.steps // MOST_TICKS)
        return [step if step % apart == 0 else None for step in range(self.steps)]


@dataclasses.dataclass(frozen=True)
class Neuron:
    """One output neuron's cumulative counts, the winning reference's, and its part of the distance."""

    index: int
    part: int
    own: str
    reference: str
    between: str


@dataclasses.dataclass(frozen=True)
class Distance:
    """One reference: its class, distance, its share of the largest one shown, and what it is here."""

    name: str
    value: int
    share: float
    winner: bool
    true: bool


@dataclasses.dataclass(frozen=True)
class Sample:
    """One image's story; `threshold` is the verify threshold on the scale of the distances' shares.

    `name` and `found_name` are what its label and the one that was found are called.
    """

    index: int
    label: int
    found: int
    name: str
    found_name: str
    image: str
    rasters: tuple[Raster, ...]
    distances: tuple[Distance, ...]
    threshold: float
    neurons: tuple[Neuron, ...]
    more_neurons: int
    top: int
    text: str
    by_count: bool  # a count readout: the distance is the spikes that a neuron lacks, there are no references

    @property
    def wrong(self) -> bool:
        return self.label != self.found


def choose(labels: np.ndarray, predicted: np.ndarray) -> list[int]:
    """Indices of a right one of each of the first classes, then of some wrong ones."""
    right = labels == predicted
    per_class = [np.flatnonzero(right & (labels == label))[:1].tolist() for label in np.unique(labels)]
    return [i for found in per_class for i in found][:MOST_RIGHT] + np.flatnonzero(~right)[
        :MOST_WRONG
    ].tolist()


def tell(
    network: Network, image: np.ndarray, label: int, spikes: np.ndarray, trace: Trace, index: int
) -> Sample:
    """The story of frame `index` of `trace`; `spikes` are the input's, bool [T, B, inputs]."""
    counts = trace.output_counts[:, index].astype(int)
    labels, table, distance = _distances(network, counts)
    if trace.sums is not None:
        distance = golden.lacks(network, trace.sums[index])
    winner = int(distance.argmin())
    found = int(labels[winner])
    rasters = tuple(
        _raster(name, train[:, index], shape)
        for name, train, shape in zip(
            _names(len(trace.spikes)), (spikes, *trace.spikes), _shapes(network), strict=True
        )
    )
    nearest = np.argsort(distance, kind="stable")[:MOST_REFERENCES]
    limit = _threshold(network, winner)
    scale = max(1, int(distance[nearest].max()), limit)
    top = max(1, int(counts.max()), int(table.max(initial=0)))
    neurons = _neurons(counts, table[winner], top) if len(table) else ()
    return Sample(
        index=index,
        label=label,
        found=found,
        name=label_name(network, label),
        found_name=label_name(network, found),
        image=data_address(image),
        rasters=rasters,
        distances=tuple(
            Distance(label_name(network, own), value, value / scale, k == winner, own == label)
            for k, own, value in ((k, int(labels[k]), int(distance[k])) for k in nearest.tolist())
        ),
        threshold=limit / scale,
        neurons=neurons,
        more_neurons=network.outputs - len(neurons) if neurons else 0,
        top=top,
        text=_sentence(network, label, found, distance, winner),
        by_count=not len(table),
    )


def _distances(network: Network, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, reference tables and distances of the readout's candidates for counts [T, n_out]."""
    if network.readout != "emd":
        table = np.zeros((0, *counts.shape), dtype=int)
        return np.arange(network.outputs), table, network.timesteps - counts[-1]
    table = network.references.counts.astype(int)
    return network.references.labels, table, np.abs(table - counts).sum(axis=(1, 2))


def _names(layers: int) -> list[str]:
    hidden = ["hidden"] if layers == 2 else [f"hidden {i}" for i in range(1, layers)]
    return ["input", *hidden, "output"]


def _shapes(network: Network) -> list[tuple[int, ...]]:
    """Shapes of the input's map and of each layer's; one number where there is no map to look at.

    The input is shown if a layer looks at it as a map: the image itself stands beside it otherwise.
    """
    shapes = [layer.shape for layer in network.layers]
    return [getattr(network.layers[0].synapses, "map", (network.inputs,)), *shapes]


def _raster(name: str, train: np.ndarray, shape: tuple[int, ...]) -> Raster:
    thin = thinned(train)
    steps, rows = thin.shape
    raster = Raster(name, int(train.sum()), train.shape[1], steps, rows, raster_path(thin))
    if len(shape) != 3 or shape[0] * shape[1] == 1:
        return raster
    counts = train.astype(np.int64).sum(axis=0).reshape(shape)
    return dataclasses.replace(raster, picture=data_address(tiled(counts)), channels=shape[2])


def _neurons(counts: np.ndarray, reference: np.ndarray, top: int) -> tuple[Neuron, ...]:
    """Neurons in their order; where they are too many, those that matter most."""
    parts = np.abs(counts - reference).sum(axis=0)
    shown = np.sort(np.argsort(-parts, kind="stable")[:MOST_NEURONS])
    return tuple(
        Neuron(
            n,
            int(parts[n]),
            step_path(counts[:, n].tolist(), top),
            step_path(reference[:, n].tolist(), top),
            between_path(counts[:, n].tolist(), reference[:, n].tolist(), top),
        )
        for n in shown.tolist()
    )


def _threshold(network: Network, winner: int) -> int:
    """The decision threshold of the nearest reference, or the network's where there are none."""
    return int(network.thresholds[winner]) if len(network.references.labels) else network.verify_threshold


def _sentence(network: Network, label: int, found: int, distance: np.ndarray, winner: int) -> str:
    nearest = "reference" if len(network.references.labels) else "neuron"
    text = f"Nearest is {nearest} {label_name(network, found)} at distance {distance[winner]}"
    others = np.delete(distance, winner)
    if len(others):
        text += f", the runner-up is at {others.min()}"
    limit = _threshold(network, winner)
    verdict = "same" if distance[winner] <= limit else "unknown"
    text += f". With the decision threshold at {limit} the answer is “{verdict}”."
    return text if found == label else f"Wrong: it is a {label_name(network, label)}. {text}"
