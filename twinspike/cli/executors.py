"""Options of commands that consist of many runs: where these run, and where their results are kept."""

import os
from pathlib import Path
from typing import Annotated

import typer

from twinspike.executor import Executor, Store, in_this_process, on_this_machine

from .options import number

Processes = Annotated[int | None, number("--jobs", "N", "processes (default: one per core)")]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="ADDRESS", help="Dask scheduler on whose workers it runs: tcp://HOST:8786"
    ),
]
Kept = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="DIR|URL", help="where runs are kept: a folder, or s3://..., any that fsspec knows"
    ),
]


def executor(jobs: int | None, cluster: str | None) -> Executor:
    """What performs a command's runs."""
    if cluster is None:
        count = jobs or os.cpu_count() or 1
        return in_this_process() if count == 1 else on_this_machine(count)
    if jobs is not None:
        raise typer.BadParameter("a cluster has as many workers as it has: leave --jobs out")
    from twinspike.executor.cluster import on_cluster

    return on_cluster(cluster)


def kept(store: str | None, usual: Path) -> Store:
    """Where a command's runs are kept."""
    return Store.at(store if store is not None else usual)
