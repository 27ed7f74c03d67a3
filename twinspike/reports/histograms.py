"""Figures of what a network's integers are: weights as stored, membranes as they were on test images."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from twinspike.numerics.lif import state_range
from twinspike.quant.layer import Layer
from twinspike.quant.network import Network

from .style import ACCENT, MUTED, SECOND, Picture, figure_style, finish, new_figure

# More values than that share bars.
MOST_BARS = 48


def weights(network: Network) -> Picture:
    """How often each layer has each weight: integers, from the least that its bits allow to the greatest."""
    shown = [(i, layer) for i, layer in enumerate(network.layers) if _has_weights(layer)]

    def draw(axes: Axes, layer: Layer) -> None:
        bits = layer.spec.weight_bits
        most = 1 if bits == 1 else 2 ** (bits - 1) - 1
        _bars(axes, layer.weight.astype(int), -most, most)
        axes.set_xlabel("weight")
        axes.set_ylabel("synapses")

    titles = [f"layer {i}: {layer.weight.size:,} of {layer.spec.weight_bits} bits" for i, layer in shown]
    return _panels("weights", [layer for _, layer in shown], titles, draw, "Weights of each layer")


def membranes(network: Network, states: Sequence[np.ndarray]) -> Picture:
    """Membrane potentials of each layer of neurons after each step, int [T, B, N] a layer, and thresholds.

    Titles say where a membrane clamps.
    """
    alive = [
        (i, layer, v)
        for i, (layer, v) in enumerate(zip(network.layers, states, strict=True))
        if _fires(layer)
    ]

    def draw(axes: Axes, one: tuple[Layer, np.ndarray]) -> None:
        layer, v = one
        _bars(axes, v, int(v.min()), int(v.max()))
        axes.set_yscale("log")
        lowest, highest = int(layer.threshold.min()), int(layer.threshold.max())
        if lowest <= v.max() * 2:
            axes.axvspan(lowest - 0.5, highest + 0.5, color=SECOND, alpha=0.25, linewidth=0)
        axes.set_xlabel("membrane after a step")
        axes.set_ylabel("times")

    titles = []
    for i, layer, v in alive:
        low, high = state_range(layer.spec.state_bits)
        clamped = float(np.mean((v <= low) | (v >= high)))
        titles.append(f"layer {i}: clamps at {low} and {high}, {clamped:.2%} there")
    return _panels(
        "membranes", [(layer, v) for _, layer, v in alive], titles, draw, "Membrane potentials of each layer"
    )


def _panels(name: str, shown: list, titles: list[str], draw, alt: str) -> Picture:
    with figure_style():
        figure = new_figure(1.55 * len(shown) + 0.1)
        for axes, one, title in zip(
            figure.subplots(len(shown), squeeze=False).flat, shown, titles, strict=True
        ):
            draw(axes, one)
            axes.set_title(title)
            axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
            if axes.get_yscale() == "linear":
                axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
            axes.yaxis.label.set_color(MUTED)
    return finish(figure, name, f"{alt}: {'; '.join(titles)}")


def _bars(axes: Axes, values: np.ndarray, low: int, high: int) -> None:
    """Bars of whole numbers, each of equally many values."""
    width = max(1, -(-(high - low + 1) // MOST_BARS))
    edges = np.arange(low, high + width + 1, width) - 0.5
    counts, _ = np.histogram(values, bins=edges)
    axes.bar(edges[:-1] + width / 2, counts, width=0.86 * width, color=ACCENT, linewidth=0)


def _has_weights(layer: Layer) -> bool:
    return _fires(layer) and layer.weights_of is None and layer.weight.size > 0


def _fires(layer: Layer) -> bool:
    return layer.synapses.fires
