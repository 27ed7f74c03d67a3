"""What the steps of the flow have left in ``build/<config>``, read back for report and summary."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network import Network, load_network


@dataclasses.dataclass(frozen=True, eq=False)
class Results:
    """One configuration's outputs; an absent one is None (or empty) and is named in `missing`.

    `history` has a row an epoch, `runs` a row a simulated run, `synths` target -> synth.json;
    `missing` maps what is absent to the make target that makes it.
    """

    network: Network
    metrics: dict[str, Any] | None
    history: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    synths: dict[str, dict[str, Any]]
    missing: dict[str, str]

    def run(self, name: str, target: str | None = None) -> dict[str, Any] | None:
        """The first run called `name`, for `target` if one is given."""
        found = [r for r in self.runs if r["run"] == name and target in (None, r.get("target"))]
        return found[0] if found else None

    def cycles(self, name: str, kind: str, target: str | None = None) -> dict[str, Any] | None:
        """Cycles an image of run `name`: `kind` is "interval" or "latency"; None if not measured."""
        row = self.run(name, target)
        spread = row.get("cycles", {}).get(kind) if row else None
        return spread if spread and spread["values"] else None


def read_results(build: Path) -> Results:
    """Read a configuration's build folder; raises TwinspikeError without a network or for a torn file."""
    missing: dict[str, str] = {}

    def optional(path: Path, parse: Callable[[str], Any], absent: Any, target: str) -> Any:
        if not path.is_file():
            missing[path.name] = target
            return absent
        try:
            return parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TwinspikeError(f"{path}: cannot be read ({error}); {target} writes it anew") from None

    network = load_network(build / "network.safetensors")
    metrics = optional(build / "metrics.json", json.loads, None, "make train")
    history = optional(
        build / "train.jsonl", lambda text: [json.loads(line) for line in text.splitlines()], [], "make train"
    )
    # One simulation for the configuration, or one a target.
    reports = [build / "sim.json", *sorted(build.glob("*/sim/sim.json"))]
    runs = [row for path in reports if path.is_file() for row in json.loads(path.read_text())["runs"]]
    if not runs:
        missing["sim.json"] = "make sim"
    synths = {}
    for path in sorted(build.glob("*/synth/synth.json")):
        synths[path.parent.parent.name] = optional(path, json.loads, None, "make synth")
    if not synths:
        missing["synth.json"] = "make synth"
    return Results(network, metrics, history, runs, synths, missing)
