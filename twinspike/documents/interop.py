"""What marked regions of docs/interop.md are filled with: dialects, and results/interop.json."""

from __future__ import annotations

from typing import Any

from .tables import Figures, table, table_or_gap

STUDY = "interop"


def interop(figures: Figures, where: str) -> str:
    """Each network from its framework to the core: accuracies, spikes kept, and RTL against integers."""
    head = (
        "trained in",
        "reset there",
        "accuracy there",
        "float import: output spikes that differ",
        "integer network",
        "after fine-tuning",
        "spikes compared with RTL",
        "differ",
        "cycles as predicted",
    )
    rows = [_row(network) for network in _networks(figures)]
    return table_or_gap(head, rows)


def _row(network: dict[str, Any]) -> list[str]:
    rungs = {rung["rung"]: rung for rung in network["drift"]["rungs"]}
    last = rungs["float import"]["layers"][-1]
    runs, tuned = network["runs"], network["drift"]["finetuning"]
    timed = [run["cycles_predicted_equal"] for run in runs if run["cycles_predicted_equal"] is not None]
    return [
        f"{network['framework']} {network['version']}",
        f"`{network['reset']}`",
        f"{network['accuracy']:.2%}",
        f"{last['differ']:,} of {last['positions']:,}",
        f"{rungs['integer network']['accuracy']:.2%}",
        f"{rungs['fine-tuned']['accuracy']:.2%}" + ("" if tuned["kept"] else ", not kept"),
        f"{sum(run['spikes_compared'] for run in runs):,}",
        f"{sum(run['mismatches'] for run in runs):,}",
        "every frame" if all(timed) else "no",
    ]


def drift(figures: Figures, where: str) -> str:
    """What each approximation costs, in points of accuracy; the share of spikes kept in the last layer."""
    networks = _networks(figures)
    if not networks:
        return table_or_gap(("rung",), [])
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


def rates(figures: Figures, where: str) -> str:
    """Spikes of each layer of the trained networks: in the framework, imported, and as the core has them."""
    head = (
        "trained in",
        "layer",
        "spikes per neuron and frame there",
        "float import",
        "integer network",
        "kept of its spikes",
        "EMD a neuron and frame",
    )
    rows = []
    for network in _networks(figures):
        rungs = {rung["rung"]: rung["layers"] for rung in network["drift"]["rungs"]}
        first = network["drift"]["rungs"][0]["layers"]
        for i, (there, real, made) in enumerate(
            zip(first, rungs["float import"], rungs["integer network"], strict=True)
        ):
            rows.append(
                [
                    f"{network['framework']}, `{network['reset']}`",
                    f"{i}",
                    f"{there['spikes']:.2f}",
                    f"{real['spikes']:.2f}",
                    f"{made['spikes']:.2f}",
                    f"{made['overlap']:.1%}",
                    f"{made['distance']:.2f}",
                ]
            )
    return table_or_gap(head, rows)


def exports(figures: Figures, where: str) -> str:
    """Fresh exports with one parameter away from its default: spikes per neuron and frame, layer by layer."""
    head = (
        "exported by",
        "away from its default",
        "`--reset`",
        "spikes there",
        "float import",
        "spikes that differ",
        "integer network",
        "kept",
    )
    rows = []
    for row in figures.studies.get(STUDY, {}).get("exports", []):
        layers = row["layers"]
        differ, positions = (sum(x[key] for x in layers) for key in ("float_differ", "positions"))
        rows.append(
            [
                f"{row['framework']} {row['version']}",
                row["what"],
                f"`{row['reset']}`",
                _each(layers, "original", ".2f"),
                _each(layers, "float", ".2f"),
                f"{differ:,} of {positions:,}",
                _each(layers, "integer", ".2f"),
                _each(layers, "integer_overlap", ".0%"),
            ]
        )
    return table_or_gap(head, rows)


def files(figures: Figures, where: str) -> str:
    """Files of other people: spikes of each layer, simulators that agree, or the line that refuses them."""
    head = ("file", "import", "spikes: float", "integers", "simulators with the same spikes, or answers")
    rows = []
    for row in figures.studies.get(STUDY, {}).get("files", []):
        if "refused" in row:
            rows.append([f"`{row['file']}`", f"refused: {row['refused']}", "", "", ""])
            continue
        recorded, answers = row["recorded"], row.get("answers")
        same = [name for name, one in recorded.items() if one["same"]]
        agree = f"{len(same)} of {len(recorded)}: {', '.join(same) or 'none'}" if recorded else ""
        if answers:
            agree = (
                f"answers {answers['same']} of {answers['recordings']} recordings as in floats; right "
                f"{answers['float_right']} in floats, {answers['integer_right']} at {row['weight_bits']} bits"
            )
        counts = [_each(row["layers"], key, ".0f") for key in ("float", "integer")]
        how = f"{row['steps']:,} steps of {row['dt']:g} s, {row['input_spikes']} input spikes"
        rows.append([f"`{row['file']}`", how, *counts, agree])
    return table_or_gap(head, rows)


def _each(layers: list[dict[str, Any]], key: str, form: str) -> str:
    return " / ".join(format(layer[key], form) for layer in layers)


def dialects(figures: Figures, where: str) -> str:
    """How each framework means its files."""
    from twinspike.quant.dialects import DIALECTS

    rows = [
        [
            f"`{d.name}`",
            f"{d.dt:g}",
            "v > threshold" if d.strict else "v >= threshold",
            "r" if d.if_per_step else "r dt",
            d.about,
        ]
        for d in DIALECTS.values()
    ]
    return table(("`--from`", "seconds per step in the file", "spikes if", "gain of IF", "notes"), rows)


def _networks(figures: Figures) -> list[dict[str, Any]]:
    return figures.studies.get(STUDY, {}).get("networks", [])
