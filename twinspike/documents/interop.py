"""What marked regions of docs/interop.md are filled with: dialects, and results/interop.json."""

from __future__ import annotations

from typing import Any

from .tables import NOT_YET, Figures, table

STUDY = "interop"


def interop(figures: Figures, where: str) -> str:
    """Each network from its framework to the core: accuracies, spikes kept, and RTL against integers."""
    head = (
        "trained in", "reset there", "accuracy there", "float import: output spikes that differ",
        "integer network", "after fine-tuning", "spikes compared with RTL", "differ", "cycles as predicted",
    )  # fmt: skip
    rows = [_row(network) for network in _networks(figures)]
    return table(head, rows or [[NOT_YET, *[""] * (len(head) - 1)]])


def _row(network: dict[str, Any]) -> list[str]:
    rungs = {rung["rung"]: rung for rung in network["drift"]["rungs"]}
    last = rungs["float import"]["layers"][-1]
    runs = network["runs"]
    timed = [run["cycles_predicted_equal"] for run in runs if run["cycles_predicted_equal"] is not None]
    return [
        f"{network['framework']} {network['version']}",
        f"`{network['reset']}`",
        f"{network['accuracy']:.2%}",
        f"{last['differ']:,} of {last['positions']:,}",
        f"{rungs['integer network']['accuracy']:.2%}",
        f"{rungs['fine-tuned']['accuracy']:.2%}",
        f"{sum(run['spikes_compared'] for run in runs):,}",
        f"{sum(run['mismatches'] for run in runs):,}",
        "every frame" if all(timed) else "no",
    ]


def drift(figures: Figures, where: str) -> str:
    """What each approximation costs, in points of accuracy; the share of spikes kept in the last layer."""
    networks = _networks(figures)
    if not networks:
        return table(("rung",), [[NOT_YET]])
    head = ["rung", *(f"{n['framework']}, `{n['reset']}`" for n in networks)]
    rows = []
    for index, rung in enumerate(networks[0]["drift"]["rungs"]):
        cells = []
        for network in networks:
            row = network["drift"]["rungs"][index]
            cost = "" if index == 0 else f", cost {row['cost']['accuracy']:+.2f}"
            cells.append(f"{row['layers'][-1]['overlap']:.1%}{cost}")
        rows.append([f"{rung['rung']}: {rung['meaning']}", *cells])
    return table(head, rows)


def dialects(figures: Figures, where: str) -> str:
    """How each framework means its files."""
    from twinspike.quant.dialects import DIALECTS

    rows = [
        [
            f"`{d.name}`", f"{d.dt:g}", "v > threshold" if d.strict else "v >= threshold",
            "r" if d.if_per_step else "r dt", d.about,
        ]
        for d in DIALECTS.values()
    ]  # fmt: skip
    return table(("`--from`", "seconds a step in the file", "spikes if", "gain of IF", "notes"), rows)


def _networks(figures: Figures) -> list[dict[str, Any]]:
    return figures.studies.get(STUDY, {}).get("networks", [])
