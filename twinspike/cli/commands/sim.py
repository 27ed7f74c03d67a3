"""`sim`: the core in simulation, against the golden model."""

import os
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from twinspike.cli.app import command
from twinspike.cli.options import GENERIC, TARGETS, Config, Out, choice, number


@command("sim")
def sim(
    config: Config = "digits",
    out: Out = "build",
    frames: Annotated[
        int | None, number("--frames", "N", "test images (default: the configuration's)")
    ] = None,
    target: Annotated[
        str | None,
        choice("--target", (GENERIC, *TARGETS), "only this core (default: every one that differs)"),
    ] = None,
    simulator: Annotated[
        str | None,
        typer.Option(
            "--simulator", metavar="NAME", help="verilator or icarus (default: $SIM, else verilator)"
        ),
    ] = None,
    bench: Annotated[
        str | None,
        typer.Option(
            "--bench",
            metavar="NAME",
            help="native (compiled, on all cores) or cocotb (default: $BENCH, else native; cocotb "
            "with icarus and for waves)",
        ),
    ] = None,
    waves: Annotated[
        bool,
        typer.Option(
            "--waves",
            help="write an FST and views for GTKWave and Surfer, of 3 frames unless --frames says otherwise "
            "(WAVES=1 does the same)",
        ),
    ] = False,
) -> int:
    """Drive real test images through the Verilog and compare every spike with the golden model.

    Runs the frames back to back, some alone (latency) and some under random back-pressure; checks
    hidden spikes, output spikes, result records and cycles. Ends with status 1 at any difference.
    """
    from twinspike.cli.chosen import chosen_net
    from twinspike.cli.closing import aimed, then, wrote
    from twinspike.sim.bench.runner import chosen_bench
    from twinspike.sim.bench.simulators import find_simulator

    simulator = simulator or os.environ.get("SIM") or "verilator"
    bench = bench or os.environ.get("BENCH") or ""
    waves = waves or os.environ.get("WAVES", "0") not in ("", "0")
    find_simulator(simulator)
    chosen_bench(bench, simulator, waves)
    net = chosen_net(config, out)
    cores = [net.core(each) for each in ([target] if target else [GENERIC, *net.hardware.targets])]
    if not target:
        # The others differ from the portable one only by where yosys puts their memories.
        cores = [core for core in cores if core.target == GENERIC or core.plan.loads]
    good, written = True, net.place.build
    for core in cores:
        found = core.simulate(frames, simulator=simulator, waves=waves, bench=bench)
        print_runs(found.runs, found.path)
        good = good and found.exact
        if waves:
            folder = found.path.parent
            print(f"waves: cd {shlex.quote(str(folder))}; gtkwave waves.fst waves.gtkw")
            print("       or surfer --command-file waves.sucl waves.fst")
        written = found.path
    onward = then("synth", net.config, net.place, *aimed(target or GENERIC))
    wrote(written, next=onward if good and not waves else None)
    return 0 if good else 1


def print_runs(rows: list[dict[str, Any]], path: Path) -> None:
    """A table of simulated runs, and what was wrong with them."""
    from rich.console import Console

    from twinspike.cli.tables import print_table

    columns: dict[str, list[str]] = {}
    for row in rows:
        kind = "latency" if row["isolated"] else "interval"
        spread = row.get("cycles", {}).get(kind)
        cells = {
            "run": f"{row['target']}, {row['run']}",
            "frames": f"{row['frames']:,}",
            "spikes compared": f"{row['spikes_compared']:,}",
            "differ": f"{row['mismatches']:,}",
            "cycles per image": f"{kind} {spread['median']:,.0f}" if spread and spread["values"] else "-",
            "formula": {True: "equal", False: "DIFFERS", None: "-"}[row.get("cycles_predicted_equal")],
        }
        for name, cell in cells.items():
            columns.setdefault(name, []).append(cell)
    print_table(f"{path}: RTL against the golden model", columns)
    console = Console()
    for row in rows:
        for key in ("first_mismatch", "first_cycle_difference"):
            if row.get(key):
                console.print(f"{row['run']}: {row[key]}", style="red", markup=False)
        for fault in row["faults"][:5]:
            console.print(f"{row['run']}: broken rule at {fault}", style="red", markup=False)
