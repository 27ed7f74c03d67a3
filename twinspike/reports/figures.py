"""Figures of the report that have axes: learning curves, the map of embeddings, cycles per image."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from threadpoolctl import threadpool_limits

from twinspike.quant.network import References

from .style import ACCENT, CLASS_COLOURS, INK, MUTED, SECOND, WIDTH, Picture, figure_style, finish, new_figure

MOST_POINTS = 800
# Of runs drawn together, so that colour is not needed to tell them apart.
LINES = ("-", "--", ":", "-.")


# What training measures on images that it does not learn from.
VALIDATION = "validation_macro_f1"


def learning_curves(history: Sequence[dict[str, Any]]) -> Picture:
    """Every numeric column of the training log over epochs, each on its own scale."""
    names = _columns([history])
    epochs = [row["epoch"] for row in history]
    with figure_style():
        figure, grid = _grid(len(names))
        for axes, name in zip(grid, names, strict=True):
            _curve(axes, history, name, color=ACCENT)
            _finish_curve(axes, name)
        figure.supxlabel("epoch", fontsize=8, color=MUTED)
    return finish(figure, "learning", f"Learning curves over {len(epochs)} epochs: {', '.join(names)}")


def compared_curves(histories: Mapping[str, Sequence[dict[str, Any]]]) -> Picture | None:
    """The same of several runs, by name, in one figure; None if none of them has a log."""
    drawn = {name: history for name, history in histories.items() if history}
    if not drawn:
        return None
    names = _columns(list(drawn.values()))
    with figure_style():
        figure, grid = _grid(len(names), extra=0.3)
        for axes, column in zip(grid, names, strict=True):
            for index, (run, history) in enumerate(drawn.items()):
                _curve(
                    axes,
                    history,
                    column,
                    color=CLASS_COLOURS[index],
                    linestyle=LINES[index % len(LINES)],
                    label=run,
                )
            _finish_curve(axes, column)
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
        figure.supxlabel("epoch", fontsize=8, color=MUTED)
    alt = f"Learning curves of {', '.join(drawn)}: {', '.join(names)}"
    return finish(figure, "curves", alt)


def _columns(histories: Sequence[Sequence[dict[str, Any]]]) -> list[str]:
    """The numeric columns of training logs, in the order in which they appear."""
    rows = [row for history in histories for row in history]
    return list(
        dict.fromkeys(
            key
            for row in rows
            for key, value in row.items()
            if key != "epoch" and isinstance(value, int | float)
        )
    )


def _grid(panels: int, extra: float = 0.0) -> tuple[Figure, list[Axes]]:
    rows = -(-panels // 2)
    figure = new_figure(1.25 * rows + 0.25 + extra)
    grid = list(figure.subplots(rows, 2, squeeze=False).flat)
    for axes in grid[panels:]:
        axes.set_visible(False)
    return figure, grid[:panels]


def _curve(axes: Axes, history: Sequence[dict[str, Any]], name: str, **style: Any) -> None:
    """One column; it is not measured in every epoch."""
    points = [(row["epoch"], row[name]) for row in history if name in row]
    axes.plot(*zip(*points, strict=True), **style) if points else axes.plot([], [], **style)


def _finish_curve(axes: Axes, name: str) -> None:
    axes.set_title(name.replace("_", " ").replace(" f1", "-F1"))
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    # What nears 1 is not to be seen from 0.
    if name != VALIDATION:
        axes.set_ylim(bottom=0)


def embedding_map(
    counts: np.ndarray,
    labels: np.ndarray,
    found: np.ndarray,
    references: References,
    names: tuple[str, ...] = (),
) -> Picture:
    """t-SNE of cumulative output counts [T, B, n_out] with the references; L1 there is the EMD itself.

    van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008. Neighbourhoods mean
    something in it, distances between clusters do not. Every image is drawn as the digit of its class,
    so that colour is never needed to tell classes apart; `found` are the labels that the core gives, and
    `names` of labels 0, 1, ... stand beside the references.
    """
    from sklearn.manifold import TSNE  # deferred: slow to import, used once

    counts, labels, found = counts[:, :MOST_POINTS], labels[:MOST_POINTS], found[:MOST_POINTS]
    flat = counts.transpose(1, 0, 2).reshape(len(labels), -1)
    flat = np.concatenate([flat, references.counts.reshape(-1, flat.shape[1])]).astype(np.float32)
    perplexity = max(2.0, min(30.0, (len(flat) - 1) / 4))
    # Silent or equal images would coincide at PCA's start: a random one separates them.
    tsne = TSNE(metric="cityblock", init="random", perplexity=perplexity, random_state=0)
    # Its threads meet at thousands of barriers: on a busy machine two take ten times longer than one.
    with threadpool_limits(1):
        points = tsne.fit_transform(flat)
    images, stored = points[: len(labels)], points[len(labels) :]
    classes = sorted({*labels.tolist(), *references.labels.tolist()})
    with figure_style():
        figure = new_figure(WIDTH, layout=None)
        axes = figure.add_axes((0.01, 0.01, 0.98, 0.98))
        for index, label in enumerate(classes):
            colour = CLASS_COLOURS[index % len(CLASS_COLOURS)]
            of_class = images[labels == label]
            axes.scatter(
                of_class[:, 0], of_class[:, 1], s=11, marker=f"${label}$", color=colour, linewidths=0
            )
            title = f"{label} {names[label]}" if label < len(names) else str(label)
            bold: dict[str, Any] = {"fontsize": 12, "fontweight": "bold", "color": INK, "parse_math": False}
            for x, y in stored[references.labels == label]:
                axes.text(x, y, title, ha="center", va="center", **bold)
        wrong = images[labels != found]
        axes.scatter(wrong[:, 0], wrong[:, 1], s=55, facecolors="none", edgecolors=SECOND, linewidths=0.9)
        axes.axis("off")
    alt = f"t-SNE map of the embeddings of {len(labels)} test images by class, {len(wrong)} not recognised"
    return finish(figure, "embedding", alt)


def cycle_histogram(kind: str, spread: dict[str, Any]) -> Picture:
    """Clock cycles per image as simulated, and the formula's outline; `spread` as in sim.json."""
    values, predicted = np.asarray(spread["values"]), np.asarray(spread.get("predicted", []))
    together = np.concatenate([values, predicted])
    # A bin holds whole clocks, so that neighbouring bars never differ by rounding alone.
    width = max(1, -(-int(np.ptp(together) + 1) // 28))
    edges = (np.arange(together.min(), together.max() + width + 1, width) - 0.5).tolist()
    with figure_style():
        figure = new_figure(1.9)
        axes = figure.subplots()
        axes.hist(values, bins=edges, color=ACCENT, alpha=0.55, label="RTL, simulated")
        if len(predicted):
            axes.hist(predicted, bins=edges, histtype="step", color=SECOND, linewidth=1.3, label="formula")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0)
        axes.set_xlabel("clock cycles")
        axes.set_ylabel("images")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    alt = f"Histogram of clock cycles per image, {kind}: median {spread['median']:,.0f}"
    return finish(figure, f"cycles-{kind}", alt)
