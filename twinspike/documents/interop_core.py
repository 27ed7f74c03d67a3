"""What docs/interop.md says of a network of convolutions that others made: results/interop_core.json.

A step without results yet (simulation, placement) is named in the table; nothing fails for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .tables import Figures, table

STUDY = "interop_core"
NO_IMPORT, NO_SIMULATION, NO_SYNTHESIS, NO_ROUTE = (
    "not imported yet",
    "not simulated yet",
    "not synthesised yet",
    "not routed yet",
)


def interop_core(figures: Figures, where: str) -> str:
    """The imported network, its RTL against the golden model, and what its core takes of a device."""
    return table(("figure", "value"), rows(figures.studies.get(STUDY, {})))


def rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Name and value of each figure of the study, or why there is none."""
    if "rungs" not in found:
        return [["import", NO_IMPORT]]
    recordings, right = found["recordings"], found["right"]
    made = [
        ["file", f"`{found['file']}`, {found['timesteps']} steps"],
        ["neurons of its layers", " / ".join(f"{n:,}" for n in found["neurons"])],
        ["weights", " and ".join(f"{bits} bits" for bits in found["weight_bits"])],
        ["answers equal to the float network's", f"{found['same_answers']} of {recordings} recordings"],
        ["right", ", ".join(f"{count} as {rung}" for rung, count in right.items())],
    ]
    return [*made, *_simulated(found.get("sim", [])), *_placed(found)]


def _simulated(runs: list[dict[str, Any]]) -> list[list[str]]:
    if not runs:
        return [["simulation", NO_SIMULATION]]
    made = []
    for run in runs:
        timed = {True: ", cycles as predicted", False: ", cycles NOT as predicted"}
        told = f"{run['spikes_compared']:,} spikes compared in {run['frames']} recordings, "
        told += f"{run['mismatches']:,} differ{timed.get(run['cycles_predicted_equal'], '')}"
        made.append([f"RTL against golden model, {run['run'].replace('_', ' ')}", told])
    clocks = {kind: number for run in runs for kind, number in run["cycles"].items()}
    told = ", ".join(f"{kind} {clocks[kind]:,.0f}" for kind in sorted(clocks))
    return [*made, ["clocks per recording, median", told]]


def _placed(found: Mapping[str, Any]) -> list[list[str]]:
    synth = found.get("synth")
    if synth is None:
        return [[f"`{found['target']}`", NO_SYNTHESIS]]
    made = []
    for key, name in (("ram_blocks", "block RAMs"), ("logic_cells", "logic cells")):
        used, there = synth[key]
        made.append([f"{name} of `{found['target']}`", f"{used:,} of {there:,}"])
    speed = [f"{mhz:.1f} MHz" for mhz in synth.get("fmax_mhz", [])]
    return [*made, ["Fmax, routed, a seed each", ", ".join(speed) or NO_ROUTE], *_times(found, synth)]


def _times(found: Mapping[str, Any], synth: Mapping[str, Any]) -> list[list[str]]:
    """Milliseconds of a recording at the slowest seed's clock; nothing where either is unknown."""
    clocks = [run["cycles"]["interval"] for run in found.get("sim", []) if "interval" in run["cycles"]]
    if not clocks or not synth.get("fmax_mhz"):
        return []
    return [["a recording takes, at that clock", f"{clocks[0] / min(synth['fmax_mhz']) / 1000:.2f} ms"]]


def drift_core(figures: Figures, where: str) -> str:
    """The drift report of that network, layer by layer: spikes a neuron and recording, and those kept."""
    rungs = figures.studies.get(STUDY, {}).get("rungs", [])
    if not rungs:
        return table(("rung",), [[NO_IMPORT]])
    layers = range(len(rungs[0]["layers"]))
    head = ("rung", *(f"layer {i}" for i in layers), "same answers", "right")
    made = []
    for rung in rungs:
        cells = [f"{x['overlap']:.1%} ({x['spikes']:.2f})" for x in rung["layers"]]
        made.append([rung["rung"], *cells, f"{rung['same_prediction']:.1%}", f"{rung['accuracy']:.1%}"])
    return table(head, made)
