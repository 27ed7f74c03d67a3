"""`report` and `results`: what the flow has found out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import Config, Out

if TYPE_CHECKING:
    from twinspike import config as configs
    from twinspike.flow.folders import Folders


@command("report")
def report(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN...]",
            help="two or more to compare: configurations, or build folders such as other/digits",
        ),
    ] = None,
    config: Config = "digits",
    out: Out = "build",
) -> None:
    """Write one HTML page about a configuration, or one that compares several runs.

    Such as:
      twinspike report --config mnist
      twinspike report mnist mnist-small mine.toml
      twinspike report build/digits elsewhere/digits

    Writes build/<config>/report/index.html and prints the closing table; of several runs
    build/compared/<names>/index.html, with all their figures, the settings that differ, and their
    training curves. The numbers can be downloaded from either page as CSV.
    """
    from twinspike.api.networks import Net
    from twinspike.api.reporting import report as write
    from twinspike.cli.closing import then, wrote
    from twinspike.flow.folders import find_network, opened
    from twinspike.reports.summary import print_summary

    if runs and len(runs) > 1:
        _compare(runs, out)
        return
    chosen, place = _named(runs[0], out) if runs else opened(config, out)
    path = write(Net(find_network(place, chosen), chosen, place.network, place))
    print_summary(place.build, chosen)
    wrote(path, next=f"open it in a browser, or {then('ip', chosen, place)}")


def _compare(runs: list[str], out: str) -> None:
    from twinspike.cli.closing import wrote
    from twinspike.cli.tables import print_table
    from twinspike.flow.folders import find_network
    from twinspike.reports.compare import (
        comparison_name,
        figure_table,
        read_run,
        told_apart,
        write_comparison,
    )

    found = []
    for name in runs:
        chosen, place = _named(name, out)
        find_network(place, chosen)
        found.append(read_run(place.build, chosen))
    found = told_apart(found)
    path = write_comparison(found, Path(out) / "compared" / comparison_name(found))
    table = figure_table(found)
    columns = {"": [name for name, _ in table]}
    columns |= {run.name: [values[at] for _, values in table] for at, run in enumerate(found)}
    print_table("runs compared", columns)
    wrote(path, next="open it in a browser")


def _named(name: str, out: str) -> "tuple[configs.Config, Folders]":
    """A configuration and its folders, by its name or file, or by a build folder that remembers it."""
    from twinspike.config import load_config
    from twinspike.flow.folders import Folders, opened
    from twinspike.flow.identity import owner

    folder = Path(name)
    found = owner(folder) if (folder / "network.safetensors").is_file() else None
    if found is None:
        return opened(name, out)
    return load_config(found.given, found.changes), Folders(folder)


@command("results")
def results(
    config: Config = "digits",
    out: Out = "build",
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="where to write")] = Path("results"),
) -> None:
    """Collect the figures in build/<config> into results/<config>.json.

    The file holds configuration, seed, versions and data checksums beside the figures; README and
    docs are filled from it.
    """
    from twinspike.cli.closing import wrote
    from twinspike.flow.folders import find_network, opened
    from twinspike.flow.record import write_record

    chosen, place = opened(config, out)
    find_network(place, chosen)
    wrote(write_record(place.build, chosen, folder), next="make docs")
