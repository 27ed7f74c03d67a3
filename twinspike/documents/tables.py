"""What marked regions of README and docs are filled with: the figures below ``results/``."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from twinspike.numerics.errors import TwinspikeError

from ..reports.peers import compare, counted, in_cells, published

NOT_YET = "not measured yet"
# Configurations that the tables name even before they are measured.
EXPECTED = ("digits", "mnist")
PEERS = "peers"
_KINDS = ("latency", "interval")


@dataclasses.dataclass(frozen=True)
class Figures:
    """Everything below ``results/``: configuration name -> record, other studies; and the published peers.

    A record is a file with the key `configuration`, as ``make results`` writes it; `studies` are the
    files of all other commands by name.
    """

    records: dict[str, dict[str, Any]]
    peers: dict[str, Any]
    studies: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Figures":
        """Read every JSON file of `folder`; raises TwinspikeError for a torn one."""
        found = {}
        for path in sorted(folder.glob("*.json")):
            try:
                found[path.stem] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise TwinspikeError(f"{path}: cannot be read ({error}): make results writes it") from None
        studies = {name: found.pop(name) for name in list(found) if "configuration" not in found[name]}
        return cls(found, published(), studies)

    @property
    def names(self) -> list[str]:
        """Configurations in the order of the tables."""
        return [*EXPECTED, *(name for name in self.records if name not in EXPECTED)]

    def look_up(self, path: str) -> Any:
        """The value at a dotted path, as in ``mnist.synth.up5k.latency_us``; None if not measured yet."""
        first, *rest = path.split(".")
        found: Any = {**self.studies, **self.records, PEERS: self.peers}
        for key in (first, *rest):
            if key in found:
                found = found[key]
            elif key == first or "synth" in rest:
                return None  # a configuration or a device that nobody has measured
            else:
                raise LookupError(f"there is no {key} in {', '.join(found)}")
        return found


def value(figures: Figures, where: str, path: str, form: str = "") -> str:
    """One figure by its dotted path, in the format `form` (``.4f``, ``.1%``, ``,.0f``)."""
    found = figures.look_up(path)
    return NOT_YET if found is None else format(found, form)


def network_size(row: dict[str, Any]) -> str:
    """The layers and the steps of a network, as 784-256-32, T = 8, from its `shape` and `timesteps`."""
    return "-".join(map(str, row["shape"])) + f", T = {row['timesteps']}"


def accuracy(figures: Figures, where: str) -> str:
    """How good each configuration's integer network is, beside raw pixels."""
    head = (
        "configuration",
        "network",
        "weight bits",
        "macro-F1, one reference per class",
        "macro-F1, 3 nearest embeddings",
        "macro-F1, 3 nearest raw images",
        "gain over raw images",
        "hidden neurons active",
        "minutes to train: wall / CPU",
    )
    rows = []
    for name in figures.names:
        r = figures.records.get(name)
        if r is None:
            rows.append(_gap(head, f"`{name}`"))
            continue
        shape = network_size(r["network"])
        bits = ", ".join(map(str, sorted(set(r["network"]["weight_bits"]))))
        best = max(r["macro_f1"], r["macro_f1_knn"])
        rows.append(
            [
                f"`{name}`",
                shape,
                bits,
                f"{r['macro_f1']:.4f}",
                f"{r['macro_f1_knn']:.4f}",
                f"{r['baseline_knn_macro_f1']:.4f}",
                f"{best - r['baseline_knn_macro_f1']:+.4f}",
                f"{r['hidden_activity']:.1%}",
                _minutes(r),
            ]
        )
    return table(head, rows)


def exactness(figures: Figures, where: str) -> str:
    """Spikes compared down the ladder from torch to RTL, and how many differ."""
    head = (
        "configuration",
        "compared",
        "images",
        "spikes compared",
        "differ",
        "cycles as predicted",
    )
    rows = []
    for name in figures.names:
        r = figures.records.get(name)
        if r is None:
            rows.append(_gap(head, f"`{name}`"))
            continue
        rows.append(
            [
                f"`{name}`",
                "torch with golden model",
                f"{r['test_images']:,}",
                f"{r['torch_golden_compared']:,}",
                f"{r['torch_golden_mismatches']:,}",
                "",
            ]
        )
        if not r["sim"]:
            rows.append(_gap(head, f"`{name}`", "golden model with RTL"))
        for run in r["sim"]:
            what = f"golden model with RTL ({run['target']}, {run['run'].replace('_', ' ')})"
            rows.append([f"`{name}`", what, *run_cells(run, "frame")])
    return table(head, rows)


def hardware(figures: Figures, where: str) -> str:
    """What each placed and routed core takes and how fast it is."""
    head = (
        "configuration",
        "device",
        "logic cells",
        "flip-flops",
        "block RAMs",
        "SPRAM",
        "Fmax min / median / max",
        "cycles per image: latency / interval",
        "µs per image: latency / interval",
    )
    rows = []
    for name in figures.names:
        synth = figures.records.get(name, {}).get("synth", {})
        if not synth:
            rows.append(_gap(head, f"`{name}`"))
        for row in synth.values():
            fmax = " / ".join(f"{row[f'fmax_{which}_mhz']:.1f}" for which in ("min", "median", "max"))
            cycles = [row[f"{k}_cycles"]["median"] if f"{k}_cycles" in row else None for k in _KINDS]
            rows.append(
                [
                    f"`{name}`",
                    row["device"],
                    f"{row['logic_cells']:,} of {row['logic_cells_available']:,}",
                    f"{row['flipflops']:,}",
                    f"{row['ram_blocks']} of {row['ram_blocks_available']}",
                    f"{row['spram']} of {row['spram_available']}" if row["spram_available"] else "none",
                    f"{fmax} MHz",
                    _pair(cycles, ",.0f"),
                    _pair([row.get(f"{k}_us") for k in _KINDS], ".1f"),
                ]
            )
    return table(head, rows)


def peers(figures: Figures, where: str) -> str:
    """Published accelerators and our MNIST builds, the fastest first."""
    ours = figures.records.get("mnist", {})
    builds = ours.get("synth", {}).values()
    head = (
        "design",
        "device",
        "MNIST accuracy",
        "latency, µs per image",
        "logic",
        "power, energy",
        "better than twinspike in",
        "not like for like",
    )
    rows = [] if builds else [_gap(head, "**twinspike, `mnist`**")]
    flows = figures.studies.get("flows", {"rows": []})["rows"]
    same = counted(flows, ours.get("network_hash", ""))
    luts = same["luts"] if same else None
    peers = figures.peers["accelerators"]
    for row in compare(peers, "`mnist`", ours.get("accuracy"), builds, luts=luts):
        strong = "**" if row.ours else ""
        design = row.design if row.ours else f"[{row.design}]({row.source}), {row.year}"
        time = _or_none(row.latency_us, ".1f" if row.ours else "g")
        rows.append(
            [
                f"{strong}{design}{strong}",
                row.device,
                f"{strong}{_percent(row.accuracy)}{strong}",
                f"{strong}{time}{strong}",
                (row.logic or "–") + (in_cells(same) if row.ours else ""),
                row.power or "–",
                "" if row.ours else ", ".join(row.better) or "–",
                row.unlike,
            ]
        )
    return table(head, rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, with the empty lines around it that Markdown wants."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n\n" + "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n\n"


def table_or_gap(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, of which one row says so if nothing has been measured yet."""
    return table(head, rows or [_gap(head)])


def run_cells(run: dict[str, Any], each: str) -> list[str]:
    """A simulated run's sizes, differences, and whether the clocks of `each` frame were as predicted."""
    equal = run.get("cycles_predicted_equal")
    return [
        f"{run['frames']:,}",
        f"{run['spikes_compared']:,}",
        f"{run['mismatches']:,}",
        "" if equal is None else f"every {each}" if equal else "no",
    ]


def _gap(head: Sequence[str], *known: str) -> list[str]:
    """The row of something that nobody has measured yet."""
    return [*known, NOT_YET, *[""] * (len(head) - len(known) - 1)]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.4g}%"


def _minutes(record: dict[str, Any]) -> str:
    """Wall and CPU time of the training; networks trained before CPU time was taken have none."""
    seconds = (record["train_seconds"], record.get("train_cpu_seconds"))
    return _pair([None if s is None else s / 60 for s in seconds], ".1f")


def _pair(values: Sequence[float | None], form: str) -> str:
    return " / ".join(_or_none(v, form) for v in values) if any(v is not None for v in values) else NOT_YET


def _or_none(number: float | None, form: str) -> str:
    return "–" if number is None else format(number, form)
