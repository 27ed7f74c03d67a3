"""What marked regions of docs/study.md are filled with: results/study.json and results/recipes.json."""

from statistics import mean
from typing import Any

from ..study.figures import TITLES
from ..study.study import DENSE
from .tables import NOT_YET, Figures, network_size, table

Row = dict[str, Any]
_HEAD = (
    "dataset",
    "setting",
    "macro-F1, one reference per class",
    "macro-F1, 3 nearest embeddings",
    "hidden neurons active",
    "spikes per image: input / hidden / output",
    "synaptic operations per image",
    "cycles per image: latency / interval",
    "CPU s to train",
    "µs per image in software",
)


def study(figures: Figures, where: str, axis: str) -> str:
    """Every row of one axis of the study."""
    rows = _rows(figures, axis)
    own = any("macro_f1_own_distance" in row for row in rows)
    head = (*_HEAD, "macro-F1 by its own distance") if own else _HEAD
    return table(head, [_cells(row, own) for row in rows]) if rows else NOT_YET


def study_scale(figures: Figures, where: str) -> str:
    """How large the study is and what it took."""
    found = figures.studies.get("study")
    if found is None:
        return NOT_YET
    base = found["base"]
    shape = "-".join(str(layer["neurons"]) for layer in base["layers"])
    images = base["training"]["images"] or "all"
    return "\n" + (
        f"{found['networks']} networks ({shape} on the input, T = {base['timesteps']}), each trained for "
        f"{base['training']['epochs']} epochs on {images} images with seed {base['seed']}, in "
        f"{found['train_cpu_minutes']:.0f} CPU minutes altogether. Nearest raw images reach a macro-F1 of "
        + " and ".join(f"{f1:.4f} on {TITLES[name]}" for name, f1 in found["baseline_knn_macro_f1"].items())
        + ".\n"
    )


def _cells(row: Row, own: bool) -> list[str]:
    cells = [TITLES[row["dataset"]], f"`{row['value']}`"]
    if "error" in row:
        return [*cells, row["error"], *[""] * (len(_HEAD) - 3 + own)]
    spikes, cycles = row["spikes_per_image"], row["cycles"]
    cells += [
        f"{row['macro_f1']:.4f}",
        f"{row['macro_f1_knn']:.4f}",
        f"{row['hidden_activity']:.1%}",
        " / ".join(f"{spikes[which]:.0f}" for which in ("input", "hidden", "output")),
        f"{row['synaptic_operations']:,.0f}",
        f"{cycles['latency']:,.0f} / {cycles['interval']:,.0f}",
        f"{row['train_cpu_seconds']:.0f}",
        f"{row['inference_us']:.0f}",
    ]
    return [*cells, f"{row.get('macro_f1_own_distance', row['macro_f1']):.4f}"] if own else cells


def sparsity(figures: Figures, where: str) -> str:
    """Each encoding beside its non-sparse twin: how much slower the twin is, in three ways."""
    head = (
        "dataset",
        "encoding",
        "input spikes: sparse / not",
        "macro-F1: sparse / not",
        "slower in RTL cycles",
        "slower to train",
        "slower in software",
    )
    return table(
        head,
        [
            [
                TITLES[a["dataset"]],
                f"`{a['value']}`",
                f"{a['spikes_per_image']['input']:.0f} / {b['spikes_per_image']['input']:.0f}",
                f"{a['macro_f1']:.4f} / {b['macro_f1']:.4f}",
                *(f"{slower:+.0%}" for slower in _slower(a, b)),
            ]
            for a, b in _twins(figures)
        ],
    )


def claims(figures: Figures, where: str) -> str:
    """The three claims of the method's paper, with what was measured here and a verdict."""
    base, paper = _base(figures), figures.peers.get("pabian")
    if base is None or paper is None:
        return NOT_YET
    best = figures.records.get("mnist", base)
    slower = [_slower(a, b) for a, b in _twins(figures) if a["dataset"] == "mnist"]
    ranges = [f"{min(column):+.0%} to {max(column):+.0%}" for column in zip(*slower, strict=True)]
    usual = mean(column[0] for column in slower)
    return table(
        ("claim", "measured here", "verdict"),
        [
            [
                f"macro-F1 up to {paper['macro_f1']:.4f} on MNIST",
                f"{base['macro_f1']:.4f} after {base['epochs']} epochs of the study's base, "
                f"{best['macro_f1']:.4f} by the recipe `mnist`, both as integer networks",
                _verdict(best["macro_f1"] >= paper["macro_f1"], "holds, and is exceeded", "not reached here"),
            ],
            [
                f"about {paper['hidden_activity']:.0%} of hidden neurons used an image",
                f"{base['hidden_activity']:.1%} by the base, {best['hidden_activity']:.1%} by the recipe "
                "`mnist`; the price on spikes sets it",
                _verdict(
                    best["hidden_activity"] <= paper["hidden_activity"], "holds, fewer will do", "more here"
                ),
            ],
            [
                f"without a sparse code about {paper['dense_slower']:.0%} slower",
                f"cycles in RTL {ranges[0]} by encoding, training {ranges[1]}, inference in "
                f"software {ranges[2]}",
                _verdict(
                    usual >= paper["dense_slower"],
                    "holds, and far more so in hardware, where time follows events",
                    "not as much here",
                ),
            ],
        ],
    )


def recipes(figures: Figures, where: str) -> str:
    """Mean and spread over seeds of the shipped configurations, beside what they were to reach."""
    found = figures.studies.get("recipes", {"rows": []})["rows"]
    head = (
        "configuration",
        "network",
        "weight bits",
        "seeds",
        "macro-F1: mean (least to most)",
        "wanted",
        "hidden neurons active: mean (least to most)",
        "wanted at most",
        "reached",
    )
    rows = []
    for row in found:
        f1, active = row["macro_f1"], row["hidden_activity"]
        most = row["wanted"].get("hidden_activity")
        reached = mean(f1) >= row["wanted"]["macro_f1"] and (most is None or mean(active) <= most)
        rows.append(
            [
                f"`{row['config']}`",
                network_size(row),
                str(row["weight_bits"]),
                ", ".join(map(str, row["seeds"])),
                _spread(f1, ".4f"),
                f"{row['wanted']['macro_f1']:.3f}",
                _spread(active, ".1%"),
                "–" if most is None else f"{most:.0%}",
                "yes" if reached else "no",
            ]
        )
    return table(head, rows) if rows else NOT_YET


def _rows(figures: Figures, axis: str) -> list[Row]:
    return [row for row in figures.studies.get("study", {"rows": []})["rows"] if row["axis"] == axis]


def _base(figures: Figures) -> Row | None:
    rows = [
        row for row in _rows(figures, "encoding") if (row["dataset"], row["value"]) == ("mnist", "latency")
    ]
    return rows[0] if rows else None


def _twins(figures: Figures) -> list[tuple[Row, Row]]:
    """Rows (sparse, non-sparse) of the same encoding and dataset."""
    rows = {(row["dataset"], row["value"]): row for row in _rows(figures, "encoding") if "error" not in row}
    return [(row, rows[key]) for (name, value), row in rows.items() if (key := (name, value + DENSE)) in rows]


def _slower(sparse: Row, dense: Row) -> tuple[float, float, float]:
    """How much longer the non-sparse code takes: cycles per image, CPU to train, an image in software."""
    return (
        dense["cycles"]["interval"] / sparse["cycles"]["interval"] - 1,
        dense["train_cpu_seconds"] / sparse["train_cpu_seconds"] - 1,
        dense["inference_us"] / sparse["inference_us"] - 1,
    )


def _verdict(holds: bool, yes: str, no: str) -> str:
    return f"**{yes if holds else no}**"


def _spread(values: list[float], form: str) -> str:
    return f"{mean(values):{form}} ({min(values):{form}} to {max(values):{form}})"
