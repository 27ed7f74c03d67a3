"""`bench-hw`: every configuration on every device."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import MAINTAINERS, command
from twinspike.cli.executors import Cluster, Kept, Processes, executor, kept
from twinspike.cli.options import Out, choice

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
