"""`bench-hw`, every configuration on every device, and `bench-energy`, what an image costs by part."""

import os
from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import MAINTAINERS, command
from twinspike.cli.executors import Cluster, Kept, Processes, executor, kept
from twinspike.cli.options import Out, choice, number

PARTS = ("builds", "scaling", "encodings", "emission", "throughput")


@command("bench-hw", MAINTAINERS)
def bench_hw(
    out: Out = "build",
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="the repository")] = Path(),
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="TEXT",
            help="only builds whose name (config-device...) contains this; may be given more than once",
        ),
    ] = None,
    part: Annotated[
        list[str] | None,
        choice("--part", PARTS, "only this part; may be given more than once (default: all)"),
    ] = None,
    jobs: Processes = None,
    cluster: Cluster = None,
    store: Kept = None,
) -> None:
    """Simulate, place and route every configuration on every device: results/hardware.json.

    Builds are kept with a hash of what they were made from: an interrupted run goes on, and what has
    not changed is not built again. From scratch it takes an hour or two.
    """
    from twinspike.bench import builds, studies

    parts = part or list(PARTS)
    if "builds" in parts:
        where = kept(store, Path(out) / "bench-hw")
        with executor(jobs, cluster) as workers:
            builds.measure(builds.chosen(only or []), out, root / "results", executor=workers, store=where)
    studies.study([name for name in parts if name != "builds"], out, root / "results")


@command("bench-energy", MAINTAINERS)
def bench_energy(
    config: Annotated[
        list[str] | None,
        typer.Option("--config", metavar="NAME", help="may be given more than once (default: digits, mnist)"),
    ] = None,
    frames: Annotated[int, number("--frames", "N", "test images to simulate with waves", high=1000)] = 20,
    out: Out = "build",
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="the repository")] = Path(),
) -> None:
    """What an image costs in each part of a core, modelled from its waves: results/energy.json."""
    from twinspike.bench.parts import CONFIGS, measure

    found = measure(
        tuple(config or CONFIGS), frames, out, root / "results", os.environ.get("SIM") or "verilator"
    )
    for name, figures in found["configurations"].items():
        shares = ", ".join(f"{part['part']} {part['share']:.1%}" for part in figures["parts"])
        print(f"{name}: {figures['changes_per_image']:,.0f} bits change per image: {shares}")
