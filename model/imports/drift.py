"""The drift report of an import: what each approximation changes, on frames that it was not chosen on.

A rung is the network at one stage. Each is held against the first one there is: the original, as
its own framework ran it, else the float import.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...numerics import emd
from ...quant.floating import FloatLayer
from ...quant.network import Network
from ...quant.nir_import import Stages, Watch, run_layers
from ...sim import golden

ORIGINAL, FLOAT, LEAK, RESET, WEIGHTS, INTEGER, TUNED = (
    "original",
    "float import",
    "leak 2^-k",
    "reset of the core",
    "integer weights",
    "integer network",
    "fine-tuned",
)
MEANING = {
    ORIGINAL: "run by its own framework",
    FLOAT: "the file's parameters, stepped as that framework steps them",
    LEAK: "each layer's leak a power of two, thresholds stretched to make up for it",
    RESET: "neurons reset in the step of their spike, and frames start where they reset to",
    WEIGHTS: "weights, biases and thresholds rounded",
    INTEGER: "leak rounded down and membranes clamped: what the core computes",
    TUNED: "trained on, quantised as the core is",
}

MOST_COUNTS = 1 << 24
LEGEND = (
    "Of a layer: spikes in both as a share of spikes in either (and spikes per neuron and frame). "
    "A prediction "
    "is the output neuron that spikes most. Cost: points lost against the row above."
)


@dataclasses.dataclass(frozen=True, eq=False)
class Rung:
    """A stage's spikes bool [T, B, out], a layer each."""

    name: str
    trains: tuple[np.ndarray, ...]


def rungs(
    stages: Stages,
    network: Network,
    spikes: np.ndarray,
    original: Sequence[np.ndarray] | None,
    tuned: Network | None = None,
    watch: Watch = iter,
) -> list[Rung]:
    """Every rung on input spikes bool [T, B, in], in order; `original`: what the framework gave.

    `watch` passes them on as they are taken, for a progress bar.
    """
    ladder = [Rung(ORIGINAL, tuple(original))] if original is not None else []
    real = {FLOAT: stages.real, LEAK: stages.leaked, RESET: stages.reset, WEIGHTS: stages.unfloored}
    before: tuple[FloatLayer, ...] | None = None
    for name in watch([*real, INTEGER, *([TUNED] if tuned else [])]):
        if name not in real:
            made = network if name == INTEGER else tuned
            assert made is not None
            ladder.append(Rung(name, _fired(made, spikes)))
            continue
        layers = real[name]
        # Where a stage changes nothing its spikes are those before it: convolutions take their time.
        same = before is not None and all(map(_same, before, layers))
        ladder.append(Rung(name, ladder[-1].trains if same else run_layers(layers, spikes)))
        before = layers
    return ladder


def _fired(network: Network, spikes: np.ndarray) -> tuple[np.ndarray, ...]:
    """The spikes of the layers that have neurons."""
    trains = golden.run(network, spikes).spikes
    return tuple(train for train, one in zip(trains, network.layers, strict=True) if one.synapses.fires)


def _same(one: FloatLayer, other: FloatLayer) -> bool:
    """Whether two layers are the same in every field."""
    fields = (f.name for f in dataclasses.fields(FloatLayer) if f.name not in ("synapses", "pools"))
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in fields)


def drift_table(ladder: Sequence[Rung], labels: np.ndarray | None) -> dict[str, Any]:
    """The figures of a ladder, JSON-ready: against which rung, frames, and a row a rung.

    Of a layer: `differ` spike positions of `positions`, `overlap` = spikes in both / spikes in either
    (1 where neither spikes), `spikes` and `distance` (EMD) a neuron and frame. Of the network:
    `same_prediction`, the share of frames whose most active output neuron is that of the first rung,
    `accuracy` where labels are known, and both in points against the rung before (`cost`).
    """
    base = ladder[0]
    rows: list[dict[str, Any]] = []
    for rung in ladder:
        predicted = predictions(rung.trains[-1])
        row: dict[str, Any] = {
            "rung": rung.name,
            "meaning": MEANING[rung.name],
            "layers": [_compare(a, b) for a, b in zip(base.trains, rung.trains, strict=True)],
            "same_prediction": float((predicted == predictions(base.trains[-1])).mean()),
            "accuracy": None if labels is None else float((predicted == labels).mean()),
        }
        before = rows[-1] if rows else row
        row["cost"] = {
            key: None if row[key] is None else 100 * (before[key] - row[key])
            for key in ("same_prediction", "accuracy")
        }
        rows.append(row)
    frames = base.trains[0].shape[1]
    return {"against": base.name, "frames": frames, "timesteps": len(base.trains[0]), "rungs": rows}


def predictions(train: np.ndarray) -> np.ndarray:
    """Index of the output neuron that spikes most, the lower one of equals: bool [T, B, out] -> [B]."""
    return train.sum(axis=0).argmax(axis=1)


def _compare(base: np.ndarray, train: np.ndarray) -> dict[str, Any]:
    either = int((base | train).sum())
    # A few frames at a time: counts take four times what spikes take.
    some = max(1, MOST_COUNTS // (len(base) * base.shape[2]))
    parts = [slice(first, first + some) for first in range(0, base.shape[1], some)]
    moved = np.concatenate(
        [emd.emd(*(emd.cumulative_counts(x[:, part]) for x in (train, base))) for part in parts]
    )
    return {
        "positions": base.size,
        "differ": int((base != train).sum()),
        "overlap": int((base & train).sum()) / either if either else 1.0,
        "spikes": float(train.sum(axis=0).mean()),
        "distance": float(moved.mean() / base.shape[2]),
    }


def drift_rows(table: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the report, as terminal and Markdown show it."""
    depth = len(table["rungs"][0]["layers"])
    head = [
        "rung",
        *(f"layer {i}" for i in range(depth)),
        "same prediction",
    ]
    known = table["rungs"][0]["accuracy"] is not None
    head += ["accuracy", "cost, points"] if known else ["cost, points"]
    rows = []
    for row in table["rungs"]:
        cells = [row["rung"], *(f"{x['overlap']:.1%} ({x['spikes']:.2f})" for x in row["layers"])]
        cells.append(f"{row['same_prediction']:.1%}")
        if known:
            cells.append(f"{row['accuracy']:.2%}")
        cost = row["cost"]["accuracy" if known else "same_prediction"]
        rows.append([*cells, f"{cost:+.2f}" if row is not table["rungs"][0] else ""])
    return head, rows


def drift_markdown(table: dict[str, Any], title: str, notes: Sequence[str]) -> str:
    """The report as Markdown."""
    head, rows = drift_rows(table)
    held = f"{table['frames']} frames, held against the {table['against']}."
    lines = [f"# {title}", "", f"{held} {LEGEND}", ""]
    lines += ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]
    lines += ["", *(f"- *{row['rung']}*: {row['meaning']}." for row in table["rungs"])]
    lines += ["", *(f"- {note}" for note in notes)] if notes else []
    return "\n".join(lines) + "\n"
