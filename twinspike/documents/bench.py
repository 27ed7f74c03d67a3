"""What documents show of ``results/bench_training.json``: training steps side by side."""

from typing import Any

from .tables import Figures, table, table_or_gap

NAME = "bench_training"
_LOSSES = {"emd": "EMD, supervised contrastive", "counts": "cross-entropy of spike counts"}


def training_speed(figures: Figures, where: str) -> str:
    """Milliseconds a training step in twinspike and in other frameworks, and their ratio."""
    head = (
        "network, device, threads",
        "loss",
        "framework",
        "wall, ms per step",
        "CPU, ms per step",
        "times twinspike's: wall / CPU",
        "making the input, ms",
    )
    found = figures.studies.get(NAME)
    if found is None:
        return table_or_gap(head, [])
    return table(head, [_row(run, row) for run in found["runs"] for row in run["rows"]])


def _row(run: dict[str, Any], row: dict[str, Any]) -> list[str]:
    first = row is run["rows"][0]
    name = f"**{row['name']}**" if first else row["name"]
    return [
        f"{run['network']}: {run['device']}, {run['threads']}" if first else "",
        _LOSSES[run["loss"]] if first else "",
        name,
        f"{row['step_ms']:.1f}",
        f"{row['step_cpu_ms']:.1f}",
        f"{row['relative']:.2f} / {row['relative_cpu']:.2f}",
        f"{row['input_ms']:.1f}",
    ]
