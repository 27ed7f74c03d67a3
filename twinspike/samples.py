"""Single test images on their way through the network: pixels, spikes, counts, distance."""

import dataclasses
from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator

from twinspike.quant.network import Network
from twinspike.sim.golden import Trace

from .style import Picture, figure_style, finish, new_figure, shaded

MOST_SAMPLES = 8


@dataclasses.dataclass(frozen=True)
class Sample:
    """One image's story: the label in the selector, the sentence under it, and the figure."""

    title: str
    text: str
    picture: Picture


def choose(labels: np.ndarray, predicted: np.ndarray) -> list[int]:
    """Indices of a right one of each of the first classes, then up to two wrong ones."""
    right = labels == predicted
    wrong = np.flatnonzero(~right)[:2].tolist()
    per_class = [np.flatnonzero(right & (labels == label))[:1].tolist() for label in np.unique(labels)]
    return [index for found in per_class for index in found][: MOST_SAMPLES - len(wrong)] + wrong


def draw(
    network: Network,
    image: np.ndarray,
    label: int,
    spikes: np.ndarray,
    trace: Trace,
    index: int,
    folder: Path,
) -> Sample:
    """The figure of frame `index` of `trace`; `spikes` are the input's, bool [T, B, inputs]."""
    references = network.references
    counts = trace.output_counts[:, index]
    distance = np.abs(references.counts.astype(int) - counts[None]).sum(axis=(1, 2))
    winner = int(distance.argmin())
    found = int(references.labels[winner])
    rasters = [("input", spikes[:, index]), *_rasters(trace, index)]
    with figure_style():
        # Fixed places: a computed layout would take most of the time of a page full of samples.
        figure = new_figure(4.9, layout="none")
        place = {"left": 0.01, "right": 0.99, "bottom": 0.54, "top": 0.95}
        columns = figure.add_gridspec(1, 1 + len(rasters), **place, wspace=0.42)
        upper = columns.subplots(squeeze=False)[0]
        upper[0].imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="none")
        upper[0].axis("off")
        upper[0].set_title(f"image of a {label}")
        for axes, (name, train) in zip(upper[1:], rasters, strict=True):
            _raster(axes, name, train)
        place = {"left": 0.09, "right": 0.99, "bottom": 0.08, "top": 0.41}
        columns = figure.add_gridspec(1, 3, **place, wspace=0.1)
        lower = columns.subplots(sharey=True)
        reference = references.counts[winner].astype(int)
        most = max(1, counts.max(), reference.max())
        tables = (
            ("its counts", counts, most),
            (f"reference {found}", reference, most),
            (f"differences, sum {distance[winner]}", np.abs(counts - reference), most),
        )
        for axes, (name, table, top) in zip(lower, tables, strict=True):
            shaded(axes, table.T, most=top)
            axes.set_title(name)
            _integer_axes(axes)
            axes.set_xlabel("step")
        lower[0].set_ylabel("output neuron")
    mark = "" if found == label else f" as {found}"
    alt = f"Test image {index}, a {label}, recognised as {found}: rasters of its spikes and its counts"
    picture = finish(figure, f"sample{index}", alt, folder)
    return Sample(f"{label}{mark}", _sentence(network, label, found, distance, winner, rasters), picture)


def _sentence(
    network: Network, label: int, found: int, distance: np.ndarray, winner: int, rasters: list
) -> str:
    totals = ", ".join(f"{int(train.sum())} {name}" for name, train in rasters)
    text = f"{totals} spikes. Nearest is reference {found} at distance {distance[winner]}"
    others = np.delete(distance, winner)
    if len(others):
        text += f"; the runner-up is at {others.min()}"
    verdict = "same" if distance[winner] <= network.verify_threshold else "different"
    text += f". Decision threshold {network.verify_threshold}: {verdict}."
    return text if found == label else f"Wrong: it is a {label}. {text}"


def _rasters(trace: Trace, index: int) -> list[tuple[str, np.ndarray]]:
    hidden = len(trace.spikes) - 1
    names = ["hidden" if hidden == 1 else f"hidden {i}" for i in range(hidden)] + ["output"]
    return [(name, train[:, index]) for name, train in zip(names, trace.spikes, strict=True)]


def _raster(axes, name: str, train: np.ndarray) -> None:
    shaded(
        axes,
        thinned(train).T.astype(float),
        most=1,
        extent=(-0.5, len(train) - 0.5, train.shape[1] - 0.5, -0.5),
    )
    axes.set_title(f"{name}: {int(train.sum())}")
    _integer_axes(axes)
    axes.set_xlabel("step")


def thinned(train: np.ndarray, rows: int = 128) -> np.ndarray:
    """Spikes [T, N] with neighbouring neurons joined by "or" until at most `rows` are left.

    A raster of 784 neurons has less than a pixel for each: drawing would drop spikes at random.
    """
    group = -(-train.shape[1] // rows)
    padded = np.pad(train, ((0, 0), (0, -train.shape[1] % group)))
    return padded.reshape(len(train), -1, group).any(axis=2)


def _integer_axes(axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
