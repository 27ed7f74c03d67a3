"""Figures of the report that show the whole test set, the training and the hardware."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from threadpoolctl import threadpool_limits

from twinspike.numerics import emd
from twinspike.quant.network import References

from .style import (
    ACCENT,
    CLASS_COLOURS,
    INK,
    MUTED,
    SECOND,
    WIDTH,
    Picture,
    figure_style,
    finish,
    new_figure,
    shaded,
)  # fmt: skip

MOST_POINTS = 800


def learning_curves(history: Sequence[dict[str, Any]], folder: Path) -> Picture:
    """Every numeric column of the training log over epochs, each on its own scale."""
    epochs = [row["epoch"] for row in history]
    names = [key for key, value in history[-1].items() if key != "epoch" and isinstance(value, int | float)]
    rows = -(-len(names) // 2)
    with figure_style():
        figure = new_figure(1.45 * rows + 0.3)
        grid = figure.subplots(rows, 2, squeeze=False)
        for axes, name in zip(grid.flat, names, strict=False):
            axes.plot(epochs, [row.get(name, np.nan) for row in history], color=ACCENT)
            axes.set_title(name.replace("_", " "))
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.set_ylim(bottom=0)
        for axes in list(grid.flat)[len(names) :]:
            axes.set_visible(False)
        figure.supxlabel("epoch", fontsize=8, color=MUTED)
    return finish(
        figure, "learning", f"Learning curves over {len(epochs)} epochs: {', '.join(names)}", folder
    )


def confusion(matrix: Sequence[Sequence[int]], labels: Sequence[int], folder: Path) -> Picture:
    """Confusion matrix, shaded by the share of the true class, errors written out."""
    counts = np.asarray(matrix)
    share = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    # The root makes errors of a few per cent visible beside the diagonal.
    return _matrix(
        "confusion", counts, np.sqrt(share), labels, "predicted", "true class",
        f"Confusion matrix of {counts.sum():,} test images, {int(np.trace(counts)):,} on the diagonal",
        folder,
    )  # fmt: skip


def reference_distances(references: References, folder: Path) -> Picture:
    """EMD between the stored references."""
    counts = references.counts.transpose(1, 0, 2)
    table = emd.distances(counts, references.counts)
    return _matrix(
        "references", table, table / max(1, table.max()), references.labels.tolist(), "reference",
        "reference",
        f"Earth Mover's Distance between the {len(table)} references", folder,
    )  # fmt: skip


def _matrix(name, values, shade, labels, x, y, alt, folder) -> Picture:
    with figure_style():
        figure = new_figure(4.1, 4.6)
        axes = figure.subplots()
        shaded(axes, shade, most=1.15, aspect="equal")
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_yticks(range(len(labels)), labels)
        axes.tick_params(length=0)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        if len(labels) <= 16:
            for (row, column), value in np.ndenumerate(values):
                if value:
                    axes.text(column, row, f"{value}", ha="center", va="center", fontsize=7, color=INK)
    return finish(figure, name, alt, folder)


def embedding_map(counts: np.ndarray, labels: np.ndarray, folder: Path) -> Picture:
    """t-SNE of cumulative output counts [T, B, n_out]; its L1 metric there is the EMD itself.

    van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008. Neighbourhoods mean
    something in it, distances between clusters do not.
    """
    from sklearn.manifold import TSNE  # deferred: slow to import, used once

    counts, labels = counts[:, :MOST_POINTS], labels[:MOST_POINTS]
    flat = counts.transpose(1, 0, 2).reshape(len(labels), -1).astype(np.float32)
    perplexity = max(2.0, min(30.0, (len(labels) - 1) / 4))
    # Silent or equal images would coincide at PCA's start: a random one separates them.
    tsne = TSNE(metric="cityblock", init="random", perplexity=perplexity, random_state=0)
    # Its threads meet at thousands of barriers: on a busy machine two take ten times longer than one.
    with threadpool_limits(1):
        points = tsne.fit_transform(flat)
    with figure_style():
        figure = new_figure(4.2, WIDTH)
        axes = figure.subplots()
        for index, label in enumerate(np.unique(labels)):
            of_class = points[labels == label]
            colour = CLASS_COLOURS[index % len(CLASS_COLOURS)]
            axes.scatter(*of_class.T, s=6, color=colour, alpha=0.75, linewidths=0)
            x, y = np.median(of_class, axis=0)
            axes.text(x, y, str(label), fontsize=13, fontweight="bold", ha="center", va="center", color=INK)
        axes.axis("off")
    return finish(
        figure, "embedding", f"t-SNE map of the embeddings of {len(labels)} test images by class", folder
    )


def cycle_histograms(spreads: dict[str, dict[str, Any]], folder: Path) -> Picture:
    """Clock cycles an image as simulated; `spreads` maps a title to {min, median, max, values}."""
    with figure_style():
        figure = new_figure(1.9)
        grid = figure.subplots(1, len(spreads), squeeze=False)
        for axes, (title, spread) in zip(grid.flat, spreads.items(), strict=True):
            axes.hist(spread["values"], bins=24, color=ACCENT)
            axes.axvline(spread["median"], color=SECOND, linewidth=1.2)
            axes.set_title(f"{title}: median {spread['median']:,.0f}")
            axes.set_xlabel("clock cycles")
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        grid[0, 0].set_ylabel("images")
    alt = "; ".join(f"{title}, median {spread['median']:,.0f} cycles" for title, spread in spreads.items())
    return finish(figure, "cycles", f"Histograms of clock cycles an image: {alt}", folder)


def utilisation(synths: dict[str, dict[str, Any]], folder: Path) -> Picture:
    """Used share of each resource of each device, with the numbers beside the bars."""
    names = {
        "logic_cells": "logic cells",
        "flipflops": "flip-flops",
        "ram_blocks": "block RAM",
        "spram": "SPRAM",
    }
    bars = [
        (f"{synth['device']}  {text}", synth[key], synth[f"{key}_available"])
        for synth in synths.values()
        for key, text in names.items()
        if synth.get(f"{key}_available")
    ]
    with figure_style():
        figure = new_figure(0.27 * len(bars) + 0.3)
        axes = figure.subplots()
        rows = np.arange(len(bars))[::-1]
        axes.barh(rows, [1.0] * len(bars), height=0.62, color=MUTED, alpha=0.18)
        axes.barh(rows, [min(1, used / have) for _, used, have in bars], height=0.62, color=ACCENT)
        for row, (_, used, have) in zip(rows, bars, strict=True):
            axes.text(1.02, row, f"{used:,} of {have:,} ({used / have:.0%})", va="center", fontsize=7.5)
        axes.set_yticks(rows, [name for name, _, _ in bars])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_xlim(0, 1.55)
        axes.set_xticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
    alt = "; ".join(f"{name.replace('  ', ' ')} {used:,} of {have:,}" for name, used, have in bars)
    return finish(figure, "utilisation", f"Utilisation: {alt}", folder)


def fmax(synths: dict[str, dict[str, Any]], folder: Path) -> Picture:
    """Fmax of every placement, a row a device, the median marked."""
    with figure_style():
        figure = new_figure(0.36 * len(synths) + 0.62)
        axes = figure.subplots()
        rows = np.arange(len(synths))[::-1]
        for row, synth in zip(rows, synths.values(), strict=True):
            found = synth["fmax_mhz"]
            axes.plot([min(found), max(found)], [row, row], color=MUTED, linewidth=1)
            axes.scatter(found, [row] * len(found), s=34, color=ACCENT, zorder=3)
            axes.scatter([synth["fmax_median_mhz"]], [row], s=90, marker="|", color=SECOND, zorder=4)
            text = " / ".join(f"{one:.1f}" for one in sorted(found))
            axes.annotate(
                text, (max(found), row), (8, 0), textcoords="offset points", va="center", fontsize=7.5
            )
        axes.set_yticks(rows, [synth["device"] for synth in synths.values()])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_ylim(-0.6, len(synths) - 0.4)
        axes.set_xlim(0, 1.5 * max(synth["fmax_max_mhz"] for synth in synths.values()))
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("MHz")
    alt = "; ".join(
        f"{synth['device']} {', '.join(map(str, synth['fmax_mhz']))} MHz" for synth in synths.values()
    )
    return finish(figure, "fmax", f"Fmax over placement seeds: {alt}", folder)
