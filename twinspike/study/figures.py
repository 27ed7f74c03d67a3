"""Plots of the study for docs/, and of an exploration's Pareto front: SVG files that stand alone."""

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from twinspike.numerics.files import write_atomically

from ..reports.style import ACCENT, INK, MUTED, SECOND, figure_style, new_figure
from .study import DENSE

Row = dict[str, Any]
TITLES = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}
AXIS_COLOURS = {"distance": "tab:green", "loss": "tab:red", "bits": "tab:purple", "neuron": "tab:orange"}
# Sparse encodings are filled, their non-sparse twins hollow.
ENCODING_MARKERS = {"latency": "o", "threshold": "s", "rank-order": "^", "on-off": "D", "rate": "P"}
# Networks further below the best one than this lie on the lower edge, with their macro-F1 beside them.
DEEPEST = 0.14
_TO_PLOT = ("dataset", "axis", "value", "macro_f1", "hidden_activity", "cycles")


def draw_study(study: dict[str, Any], folder: Path) -> list[Path]:
    """The three plots of a study (results/study.json) as folder/study-*.svg; returns those that changed."""
    rows = [row for row in study["rows"] if "error" not in row]
    data = [[{key: row[key] for key in _TO_PLOT} for row in rows], study["baseline_knn_macro_f1"]]
    stamp = hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
    plots: dict[str, Callable[[Axes, list[Row]], None]] = {
        "activity": _against_activity,
        "cycles": _against_cycles,
        "bits": _against_bits,
    }
    changed = []
    for name, draw in plots.items():
        path = folder / f"study-{name}.svg"
        if path.is_file() and stamp in path.read_text(encoding="utf-8"):
            continue
        write_atomically(path, _svg(_panels(rows, study["baseline_knn_macro_f1"], draw), name, stamp))
        changed.append(path)
    return changed


def front_figure(rows: Sequence[Row], target: str, folder: Path) -> Path:
    """Every trial of an exploration: F1 against microseconds, size by logic cells, the front in colour."""
    with figure_style():
        figure = new_figure(3.4, 5.6)
        axes = figure.subplots()
        for front, colour in ((False, MUTED), (True, ACCENT)):
            some = [row for row in rows if row["front"] == front]
            axes.scatter(
                [row["us"] for row in some],
                [row["macro_f1"] for row in some],
                s=[row["logic_cells"] / 60 for row in some],
                color=colour,
                alpha=0.7,
                linewidths=0,
                label="not beaten" if front else "beaten in every respect",
            )
        for row in rows:
            if row["front"]:
                text = f"{row['trial']}: {row['logic_cells']:,.0f}"
                place = (row["us"], row["macro_f1"])
                axes.annotate(text, place, (4, 4), textcoords="offset points", fontsize=6)
        axes.set_xscale("log")
        axes.set_xlabel(f"µs per image on {target} (area: logic cells, both estimated)")
        axes.set_ylabel("macro-F1")
        axes.legend(loc="lower right")
    path = folder / "pareto.svg"
    write_atomically(path, _svg(figure, "pareto", target))
    return path


def _panels(rows: list[Row], baseline: dict[str, float], draw: Callable[[Axes, list[Row]], None]) -> Figure:
    """One panel a dataset, with the line of raw-pixel neighbours that an embedding should beat."""
    with figure_style():
        figure = new_figure(3.4, 7.2)
        panels = figure.subplots(1, len(baseline), squeeze=False)[0]
        for axes, name in zip(panels, TITLES, strict=False):
            draw(axes, [row for row in rows if row["dataset"] == name])
            axes.axhline(baseline[name], color=SECOND, linewidth=1, linestyle="--", zorder=0)
            axes.annotate(
                "3 nearest raw images",
                (1, baseline[name]),
                (0, 2),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
                fontsize=6.5,
                color=SECOND,
            )
            axes.set_title(TITLES[name])
            axes.set_ylabel("macro-F1, one reference per class")
        handles, labels = panels[0].get_legend_handles_labels()
        if labels:
            figure.legend(handles, labels, loc="outside lower center", ncols=7, fontsize=6.5)
    return figure


def _against_activity(axes: Axes, rows: list[Row]) -> None:
    _scatter(axes, rows, lambda row: 100 * row["hidden_activity"])
    axes.set_xlabel("hidden neurons that fire, % an image")


def _against_cycles(axes: Axes, rows: list[Row]) -> None:
    _scatter(axes, rows, lambda row: row["cycles"]["interval"])
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("clock cycles per image in the RTL")


def _scatter(axes: Axes, rows: list[Row], x: Callable[[Row], float]) -> None:
    best = max(row["macro_f1"] for row in rows)
    floor = best - DEEPEST

    def points(some: list[Row], **looks: Any) -> None:
        places = [x(row) for row in some], [max(row["macro_f1"], floor) for row in some]
        axes.scatter(*places, linewidths=0.8, clip_on=False, **looks)

    for axis, colour in AXIS_COLOURS.items():
        points([row for row in rows if row["axis"] == axis], s=10, color=colour, label=axis)
    for kind, marker in ENCODING_MARKERS.items():
        for value, face in ((kind, ACCENT), (kind + DENSE, "none")):
            some = [row for row in rows if (row["axis"], row["value"]) == ("encoding", value)]
            points(some, s=22, marker=marker, facecolors=face, edgecolors=ACCENT, label=value)
    for row in rows:
        if row["macro_f1"] < floor:
            text = f"{row['value']}: {row['macro_f1']:.2f}"
            axes.annotate(text, (x(row), floor), (4, 4), textcoords="offset points", fontsize=6, color=INK)
    axes.set_ylim(floor, best + DEEPEST / 10)


def _against_bits(axes: Axes, rows: list[Row]) -> None:
    points = sorted((int(row["value"]), row["macro_f1"]) for row in rows if row["axis"] == "bits")
    axes.plot(*zip(*points, strict=True), color=ACCENT, marker="o", markersize=4)
    axes.set_xticks([bits for bits, _ in points])
    axes.set_xlabel("bits a weight")


def _svg(figure: Figure, name: str, stamp: str) -> str:
    """The figure on white, the same bytes for the same data; `stamp` tells which data that is."""
    buffer = io.StringIO()
    with figure_style():
        matplotlib.rcParams["svg.hashsalt"] = name
        figure.savefig(buffer, format="svg", facecolor="white", metadata={"Date": None, "Description": stamp})
    return buffer.getvalue()
