"""What docs/recordings.md is filled with: results/own_data.json, and the records of its configurations."""

from __future__ import annotations

from typing import Any

from .tables import Figures, network_size, run_cells, table_or_gap

STUDY = "own_data"


def recordings(figures: Figures, where: str) -> str:
    """Each network for recordings: its figure over seeds or splits, and the best plain classifier's."""
    head = (
        "configuration",
        "network",
        "figure",
        "wanted",
        "mean (least to most)",
        "over",
        "hidden neurons active",
        "best plain classifier",
        "its figure",
        "gain",
    )
    rows = []
    for row in _networks(figures):
        kind = "accuracy" if "accuracy" in row["wanted"] else "macro_f1"
        scores = [run[kind] for run in row["runs"]]
        mean = sum(scores) / len(scores)
        active = sum(run["hidden_activity"] for run in row["runs"]) / len(scores)
        best = max(row["plain"], key=lambda one: one[kind])
        splits = len({run["fold"] for run in row["runs"]})
        most = (
            f", {row['wanted']['hidden_activity']:.0%} active" if "hidden_activity" in row["wanted"] else ""
        )
        rows.append(
            [
                f"`{row['config']}`",
                network_size(row),
                kind.replace("macro_f1", "macro-F1"),
                f"{row['wanted'][kind]:.2f}{most}",
                f"{mean:.4f} ({min(scores):.4f} to {max(scores):.4f})",
                f"{splits} splits" if splits > 1 else f"{len(scores)} seed{'s' * (len(scores) > 1)}",
                f"{active:.1%}",
                best["what"],
                f"{best[kind]:.4f}",
                f"{mean - best[kind]:+.4f}",
            ]
        )
    return table_or_gap(head, rows)


def plain_classifiers(figures: Figures, where: str) -> str:
    """All plain classifiers on the same recordings, in the same splits."""
    head = ("configuration", "plain classifier", "macro-F1", "accuracy")
    rows = [
        [f"`{row['config']}`", one["what"], f"{one['macro_f1']:.4f}", f"{one['accuracy']:.4f}"]
        for row in _networks(figures)
        for one in row["plain"]
    ]
    return table_or_gap(head, rows)


def recorded_variants(figures: Figures, where: str) -> str:
    """What delays bring and cost, and other readouts, beside the network that ships."""
    head = (
        "configuration",
        "variant",
        "macro-F1",
        "hidden neurons active",
        "clocks per sample",
        "logic cells, predicted",
        "block RAMs, predicted",
    )
    rows = []
    for row in _networks(figures):
        if not row["variants"]:
            continue
        own = next(run for run in row["runs"] if run["shipped"])
        for one in ({"what": "as it ships", **own, **row["core"]}, *row["variants"]):
            rows.append(
                [
                    f"`{row['config']}`",
                    one["what"],
                    f"{one['macro_f1']:.4f}",
                    f"{one['hidden_activity']:.1%}",
                    f"{one['latency']:,.0f}",
                    f"{one['logic_cells']:,}",
                    f"{one['ram_blocks']:,}",
                ]
            )
    return table_or_gap(head, rows)


def _networks(figures: Figures) -> list[dict[str, Any]]:
    return figures.studies.get(STUDY, {}).get("networks", [])


def recordings_exact(figures: Figures, where: str) -> str:
    """Spikes of each network's core in simulation beside the golden model's."""
    head = ("configuration", "run", "recordings", "spikes compared", "differ", "cycles as predicted")
    rows = []
    for row in _networks(figures):
        for run in row.get("sim", []):
            what = run["run"].replace("_", " ")
            rows.append([f"`{row['config']}`", what, *run_cells(run, "recording")])
    return table_or_gap(head, rows)


def recordings_placed(figures: Figures, where: str) -> str:
    """Each network's core placed and routed: cells, each seed's clock, a sample's time at the slowest."""
    head = (
        "configuration",
        "device",
        "logic cells",
        "block RAMs",
        "Fmax, MHz",
        "latency, µs",
        "interval, µs",
    )
    rows = [
        [
            f"`{row['config']}`",
            row["placed"]["device"],
            *(
                f"{row['placed'][key]:,} of {row['placed'][f'{key}_available']:,}"
                for key in ("logic_cells", "ram_blocks")
            ),
            " / ".join(f"{fmax:.1f}" for fmax in sorted(row["placed"]["fmax_mhz"])),
            *(f"{row['placed'][key]:,.1f}" for key in ("latency_us", "interval_us")),
        ]
        for row in _networks(figures)
        if row.get("placed")
    ]
    return table_or_gap(head, rows)


FILLS = (recordings, plain_classifiers, recorded_variants, recordings_exact, recordings_placed)
