"""What the steps of the flow have left in ``build/<config>``, read back for report and summary."""

import dataclasses
from pathlib import Path
from typing import Any

from twinspike.config import Config
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import parse_json, read_limited
from twinspike.numerics.shapes import Shape, conform
from twinspike.quant.network import Network
from twinspike.quant.network_file import load_network

from .identity import command

# Larger than what any step writes: every spike pattern's cycles of 70,000 images take a tenth of it.
MAX_FILE_BYTES = 1 << 25

# What is relied on in the files of the steps (numerics/shapes.py).
_SPREAD = {"min": "number", "median": "number", "max": "number", "values": ["number"]}
_ORIGIN = {"?network_hash": "text"}
METRICS = {
    "macro_f1": "number",
    "hidden_activity": "number",
    "?accuracy": "number",
    "?test_images": "count",
    "?macro_f1_knn": "number",
    "?baseline_knn_macro_f1": "number",
    "?train_seconds": "number",
    "?train_cpu_seconds": "number",
    "?synaptic_operations": "number",
    "?confusion": [["count"]],
    "?spikes_per_image": {"input": "number", "hidden": "number", "output": "number"},
    "?verification": {"?roc_auc": "number", "?eer": "number"},
    **_ORIGIN,
}
HISTORY_ROW = {"epoch": "count", "*": "number"}
RUN = {
    "run": "text",
    "frames": "count",
    "spikes_compared": "count",
    "mismatches": "count",
    "?target": "text",
    "?simulator": "text",
    "?faults": ["any"],
    "?cycles": {"?interval": _SPREAD, "?latency": _SPREAD, "*": _SPREAD},
}
SIM = {"runs": [RUN], **_ORIGIN}
_USED = ("logic_cells", "flipflops", "ram_blocks", "spram", "dsp")
SYNTH = {
    "device": "text",
    "seeds": ["count"],
    "fmax_mhz": ["positive"],
    "fmax_min_mhz": "positive",
    "fmax_median_mhz": "positive",
    "fmax_max_mhz": "positive",
    "yosys_seconds": "number",
    "nextpnr_seconds": ["number"],
    "tools": {"*": "text"},
    "provenance": _ORIGIN,
    **{f"?{name}": "count" for name in _USED},
    **{f"?{name}_available": "count" for name in _USED},
    "logic_cells": "count",
    "logic_cells_available": "positive",
    "ram_blocks": "count",
    "ram_blocks_available": "count",
}
ENERGY = {
    "images": "count",
    "changes_per_image": "number",
    "parts": [{"part": "text", "changes_per_image": "number", "share": "number"}],
    "modelled_uj": {"*": "number"},
    "*": "any",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Results:
    """One configuration's outputs; an absent one is None or empty.

    `history` has a row per epoch, `runs` a row a simulated run, `synths` target -> synth.json;
    `notes` says what is absent, or made from another network, and which command makes it; `energy` is what an
    image costs in each part of the core, where that was looked at.
    """

    network: Network
    metrics: dict[str, Any] | None
    history: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    synths: dict[str, dict[str, Any]]
    notes: tuple[str, ...]
    energy: dict[str, Any] | None = None

    def run(self, name: str, target: str | None = None) -> dict[str, Any] | None:
        """The first run called `name`, for `target` if one is given."""
        found = [r for r in self.runs if r["run"] == name and target in (None, r.get("target"))]
        return found[0] if found else None

    def cycles(self, name: str, kind: str, target: str | None = None) -> dict[str, Any] | None:
        """Cycles an image of run `name`: `kind` is "interval" or "latency"; None if not measured."""
        row = self.run(name, target)
        spread = row.get("cycles", {}).get(kind) if row else None
        return spread if spread and spread["values"] else None


def read_results(build: Path, config: Config | None = None) -> Results:
    """Read the build folder of `config`; raises TwinspikeError without a network or for a torn file.

    Without a configuration the notes say what is missing as if it were named like the folder.
    """
    network = load_network(build / "network.safetensors")
    notes: list[str] = []

    def remedy(step: str) -> str:
        return command(step, config, build) if config else f"twinspike {step} --config {build.name}"

    def absent(name: str, step: str) -> None:
        notes.append(f"{name} is missing: {remedy(step)}")

    def read(path: Path, step: str, shape: Shape, lines: bool = False) -> Any:
        try:
            text = read_limited(path, MAX_FILE_BYTES, "a result").decode()
            found = [parse_json(line) for line in text.splitlines()] if lines else parse_json(text)
            return conform(found, shape, path.name)
        except (TwinspikeError, ValueError) as error:
            again = f"{remedy(step)} writes it anew once it is deleted"
            raise TwinspikeError(f"{path}: cannot be read ({error}); {again}") from None

    def belongs(path: Path, step: str, made_from: str | None) -> None:
        if made_from not in (None, network.content_hash):
            where = path.relative_to(build)
            notes.append(f"{where} is of another network ({made_from[:12]}): {remedy(step)}")

    imported = "from" in network.provenance
    metrics, history = None, []
    if imported:
        notes.append("imported, not trained here: drift.md says what that changed, layer by layer")
    if (path := build / "metrics.json").is_file():
        metrics = read(path, "train", METRICS)
        belongs(path, "train", metrics.get("network_hash"))
    elif not imported:
        absent(path.name, "train")
    if (path := build / "train.jsonl").is_file():
        history = read(path, "train", [HISTORY_ROW], lines=True)
    elif not imported:
        absent(path.name, "train")
    # The portable core's simulation lies in the folder itself, a device's in one of its own.
    runs = []
    for path in (build / "sim.json", *sorted(build.glob("*/sim/sim.json"))):
        if path.is_file():
            found = read(path, "sim", SIM)
            belongs(path, "sim", found.get("network_hash"))
            runs += found["runs"]
    if not runs:
        absent("sim.json", "sim")
    synths = {}
    for path in sorted(build.glob("*/synth/synth.json")):
        target = path.parent.parent.name
        synths[target] = read(path, "synth", SYNTH)
        belongs(path, "synth", synths[target]["provenance"].get("network_hash"))
    if not synths:
        absent("synth.json", "synth")
    energy = None
    if (path := build / "energy.json").is_file():
        energy = read(path, "bench-energy", ENERGY)
        belongs(path, "bench-energy", energy.get("network_hash"))
    return Results(network, metrics, history, runs, synths, tuple(notes), energy)
