"""The figures of a finished flow in a few lines: the table that closes ``make demo``."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinspike.config import Config

from ..flow.results import Results, read_results


def summary(build: Path) -> list[tuple[str, str]]:
    """(label, value) rows for the build folder of one configuration; raises TwinspikeError."""
    return summary_rows(read_results(build))


def summary_rows(results: Results) -> list[tuple[str, str]]:
    """The rows for results already read; what no step has produced yet is left out."""
    rows = [*_network_rows(results), *_simulation_rows(results)]
    for target in results.synths:
        rows += _synthesis_rows(results, target, several=len(results.synths) > 1)
    return rows


def print_summary(build: Path, config: Config, console: Console | None = None) -> None:
    """Print the closing table of a configuration."""
    console = console or Console()
    results = read_results(build, config)
    table = Table(title=f"twinspike: {config.name}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(style="bold")
    for label, value in summary_rows(results):
        table.add_row(label, Text(value))
    console.print(table)
    for note in results.notes:
        # A command that is cut into lines could not be copied.
        console.print(note, style="yellow", markup=False, highlight=False, soft_wrap=True)


def microseconds(cycles: float, megahertz: float) -> str:
    """Time of so many clocks, in microseconds with three figures or so."""
    value = cycles / megahertz
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _network_rows(results: Results) -> list[tuple[str, str]]:
    layers = results.network.layers
    seen = results.network.shape if len(layers[0].shape) == 3 else (results.network.inputs,)
    # A map is written as its sizes: 28x28-14x14x8-10.
    shape = "-".join("x".join(map(str, sizes)) for sizes in (seen, *(layer.shape for layer in layers)))
    bits = sorted({layer.spec.weight_bits for layer in layers if layer.synapses.fires})
    rows = [
        ("network", f"{shape}, T = {results.network.timesteps}"),
        ("weight bits", ", ".join(map(str, bits))),
    ]
    if results.metrics:
        m = results.metrics
        f1 = f"{m['macro_f1']:.4f}"
        if "baseline_knn_macro_f1" in m:
            f1 += f" (raw-pixel k-NN {m['baseline_knn_macro_f1']:.4f})"
        rows += [("macro-F1", f1), ("hidden neurons active", f"{m['hidden_activity']:.1%}")]
    return rows


def _simulation_rows(results: Results) -> list[tuple[str, str]]:
    if not results.runs:
        return []
    compared = sum(r["spikes_compared"] for r in results.runs)
    wrong = sum(r["mismatches"] for r in results.runs)
    images = max(r["frames"] for r in results.runs)
    rows = [
        ("images simulated", f"{images:,} in {len(results.runs)} runs"),
        ("spikes compared", f"{compared:,}, {wrong:,} mismatches"),
    ]
    for label, run, kind in (
        ("cycles per image, interval", "back_to_back", "interval"),
        ("cycles per image, latency", "alone", "latency"),
    ):
        spread = results.cycles(run, kind)
        if spread:
            rows.append((label, f"{spread['median']:,.0f} (min {spread['min']:,}, max {spread['max']:,})"))
    return rows


def _seeds(seeds: list[int]) -> str:
    return f"{len(seeds)} seed{'s' if len(seeds) != 1 else ''}"


def _synthesis_rows(results: Results, target: str, several: bool) -> list[tuple[str, str]]:
    synth = results.synths[target]
    device = synth["device"]
    where = f" ({device})" if several else ""
    ram = f"{synth['ram_blocks']} of {synth['ram_blocks_available']}"
    if synth.get("spram"):
        ram += f", SPRAM {synth['spram']} of {synth['spram_available']}"
    fmax = (f"{synth[f'fmax_{which}_mhz']:.1f}" for which in ("min", "median", "max"))
    logic, available = synth["logic_cells"], synth["logic_cells_available"]
    rows = [
        (f"logic cells{where}", f"{logic:,} of {available:,} of {device} ({logic / available:.0%})"),
        (f"block RAMs{where}", ram),
        (f"Fmax, MHz{where}", f"{' / '.join(fmax)} over {_seeds(synth['seeds'])}"),
    ]
    # Cycles depend on the lanes, not on the device; a run for this target is preferred all the same.
    latency, interval = (
        results.cycles(run, kind, target) or results.cycles(run, kind)
        for run, kind in (("alone", "latency"), ("back_to_back", "interval"))
    )
    parts = [
        f"{microseconds(spread['median'], synth['fmax_min_mhz'])} {name}"
        for name, spread in (("latency", latency), ("interval", interval))
        if spread
    ]
    if parts:
        rows.append((f"µs per image{where}", ", ".join(parts) + " at the slowest seed"))
    return rows
