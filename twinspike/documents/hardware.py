"""What docs/hardware.md is filled with: the rows and studies of results/hardware.json."""

from collections.abc import Iterable, Sequence
from typing import Any

from twinspike.hw.devices import DEVICES

from ..bench.energy import ENERGY_MODEL, microjoules
from ..reports.peers import FAMILY, NOT_ON_A_BOARD, compare, counted, in_cells
from .tables import Figures, table

TABLE = "hardware"


def builds(figures: Figures, where: str) -> str:
    """Every build: what it takes, how fast it is, how well it classifies."""
    head = (
        "configuration",
        "network",
        "device",
        "macro-F1",
        "lanes",
        "events at once",
        "cycles per image: min / median / max",
        "from image to image",
        "Fmax, MHz",
        "latency, µs",
        "interval, µs",
        "logic cells",
        "flip-flops",
        "block RAMs",
        "SPRAM",
        "synaptic operations per second",
        "lanes busy",
        "modelled energy, µJ per image",
    )
    return _table_of(head, [_build(row) for row in _rows(figures)], "bench-hw")


def _build(row: dict[str, Any]) -> list[str]:
    fmax, available = sorted(row["fmax_mhz"]), row["available"]
    return [
        f"`{row['config']}`",
        "-".join(map(str, row["network"])),
        row["device"],
        "–" if row["f1"] is None else f"{row['f1']:.4f}",
        _list(row["lanes"]),
        _list(row["events_per_clock"]) or "1",
        f"{row['cycles_min']:,} / {row['cycles_median']:,.0f} / {row['cycles_max']:,}",
        f"{row['interval_cycles']:,.0f}",
        " / ".join(f"{mhz:.1f}" for mhz in fmax),
        f"{row['latency_us']:.2f}",
        f"{row['interval_us']:.2f}",
        f"{row['logic_cells']:,} of {available['logic_cells']:,}",
        f"{row['flipflops']:,}",
        f"{row['ram_blocks']} of {available['ram_blocks']}",
        f"{row['spram']} of {available['spram']}" if available["spram"] else "none",
        f"{row['synaptic_operations_per_second'] / 1e6:,.0f} million",
        f"{row['lane_utilisation']:.1%}",
        _energy(row) or "–",
    ]


def left_out(figures: Figures, where: str) -> str:
    """Builds that do not exist, with the reason."""
    rows = [
        (f"`{row['config']}`", row["device"], row["reason"]) for row in _table(figures).get("left_out", [])
    ]
    return _table_of(("configuration", "device", "why"), rows, "bench-hw")


def predictions(figures: Figures, where: str) -> str:
    """Predicted beside measured: cycles, logic cells, block RAMs."""
    head = (
        "build",
        "cycles, predicted / simulated",
        "logic cells, predicted / measured",
        "error",
        "block RAMs, predicted / measured",
    )
    rows = []
    for row in _rows(figures):
        told = row["predicted"]
        cells = told["logic_cells"]
        rows.append(
            [
                f"`{row['build']}`",
                f"{told['cycles_median']:,.0f} / {row['cycles_median']:,.0f}",
                f"{'–' if cells is None else f'{cells:,}'} / {row['logic_cells']:,}",
                "–" if cells is None else f"{cells / row['logic_cells'] - 1:+.1%}",
                f"{told['ram_blocks']} / {row['ram_blocks']}",
            ]
        )
    return _table_of(head, rows, "bench-hw")


def area_model(figures: Figures, where: str) -> str:
    """The fitted model of logic cells, a row a family."""
    head = ("family", "cores", "logic cells", "largest error", "largest error on a core left out")
    rows = []
    for name, study in figures.studies.items():
        if not name.startswith("area-"):
            continue
        samples = study["samples"]
        unseen = max(abs(s["predicted_without_it"] / s["logic_cells"] - 1) for s in samples)
        terms = " + ".join(f"{x:.3g} × {feature}" for feature, x in study["coefficients"].items())
        rows.append(
            [study["family"], str(len(samples)), terms, f"{study['largest_error']:.1%}", f"{unseen:.1%}"]
        )
    return _table_of(head, rows, "calibrate")


def accelerators(figures: Figures, where: str) -> str:
    """Published accelerators and every MNIST build, the fastest first."""
    ours = [row for row in _rows(figures) if row["config"].startswith("mnist")]
    best = max((row["f1"] for row in ours if row["f1"] is not None), default=None)
    head = (
        "design",
        "device",
        "accuracy or macro-F1",
        "latency, µs per image",
        "logic",
        "power, energy",
        "better than twinspike in",
        "not like for like",
    )
    timed: list[tuple[float, list[str]]] = []
    flows = figures.studies.get("flows", {"rows": []})["rows"]
    least = min((row["luts"] for row in flows if row["flow"] == FAMILY), default=None)
    for row in compare(figures.peers["accelerators"], "mnist", best, ours, luts=least):
        if row.ours:
            continue
        timed.append(
            (
                float("inf") if row.latency_us is None else row.latency_us,
                [
                    f"[{row.design}]({row.source}), {row.year}",
                    row.device,
                    "–" if row.accuracy is None else f"{100 * row.accuracy:.4g}%",
                    "–" if row.latency_us is None else f"{row.latency_us:g}",
                    row.logic or "–",
                    row.power or "–",
                    ", ".join(row.better) or "–",
                    row.unlike,
                ],
            )
        )
    for build in ours:
        logic = f"{build['logic_cells']:,} logic cells, {build['ram_blocks']} block RAMs"
        logic += f", {build['spram']} SPRAM" if build["spram"] else ""
        logic += in_cells(counted(flows, build["network_hash"], build["lanes"]))
        energy = f"{joules} µJ per image, modelled" if (joules := _energy(build)) else "–"
        f1 = "–" if build["f1"] is None else f"{100 * build['f1']:.2f}%"
        timed.append(
            (
                build["latency_us"],
                [
                    f"**twinspike, `{build['config']}`**",
                    DEVICES[build["device"]].title,
                    f"**{f1}**",
                    f"**{build['latency_us']:.2f}**",
                    logic,
                    energy,
                    "",
                    NOT_ON_A_BOARD,
                ],
            )
        )
    return table(head, [cells for _, cells in sorted(timed, key=lambda pair: pair[0])])


def _energy(row: dict[str, Any]) -> str:
    """Microjoules per image by the model, empty where there is none for the device."""
    found = microjoules(row["device"], row["logic_cells"], row["interval_cycles"])
    return "" if found is None else f"{found:.3g}"


def energy_model(figures: Figures, where: str) -> str:
    """What the modelled energy is made of."""
    return f"\n\n{ENERGY_MODEL[0].upper()}{ENERGY_MODEL[1:]}.\n\n"


def code_cycles(figures: Figures, where: str) -> str:
    """Cycles of sparse and dense codes through one core."""
    head = (
        "code",
        "input spikes per image: sparse / dense",
        "cycles per image: sparse / dense",
        "cycles saved",
    )
    rows = []
    for row in _table(figures).get("encodings", {"rows": []})["rows"]:
        sparse, dense = row["sparse"], row["dense"]
        saved = 1 - sparse["interval_cycles"] / dense["interval_cycles"]
        rows.append(
            [
                f"`{row['encoding']}`" + (", the network's own" if row["own"] else ""),
                f"{sparse['input_spikes']:,.0f} / {dense['input_spikes']:,.0f}",
                f"{sparse['interval_cycles']:,.0f} / {dense['interval_cycles']:,.0f}",
                f"{saved:.0%}",
            ]
        )
    return table(head, rows)


def scaling(figures: Figures, where: str) -> str:
    """Cycles over width, lanes and activity."""
    study = _table(figures).get("scaling", {"points": []})
    head = (
        "neurons",
        "lanes",
        "clocks per event: both layers",
        "spikes into each",
        "busiest layer's work",
        "cycles, formula",
        "cycles, simulated",
    )
    rows = []
    for p in study["points"]:
        spikes = ", ".join(f"{count:,.0f}" for count in p["spikes"])
        simulated = f"{p['simulated']:,.1f}" if "simulated" in p else ""
        rows.append(
            [
                str(p["neurons"]),
                str(p["lanes"]),
                _list(p["row_cycles"]),
                spikes,
                f"{p['work']:,.0f}",
                f"{p['cycles']:,.1f}",
                simulated,
            ]
        )
    return table(head, rows)


FILLS = (builds, left_out, predictions, area_model, accelerators, energy_model, code_cycles, scaling)


def _table_of(head: Sequence[str], rows: Sequence[Sequence[str]], step: str) -> str:
    """The table, or who fills it: a page without any row is still a page."""
    return table(head, rows) if rows else f"\n\nNothing is recorded yet: `make {step}` does it.\n\n"


def _table(figures: Figures) -> dict[str, Any]:
    return figures.studies.get(TABLE, {"rows": []})


def _rows(figures: Figures) -> Iterable[dict[str, Any]]:
    return _table(figures)["rows"]


def _list(values: Iterable[int]) -> str:
    return ", ".join(map(str, values))
