"""`report` and `results`: what the flow has found out."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import Config, Out


@command("report")
def report(config: Config = "digits", out: Out = "build") -> None:
    """Write build/<config>/report/index.html and print the closing table."""
    from twinspike.cli.closing import then, wrote
    from twinspike.flow.folders import find_network, opened
    from twinspike.reports.page import write_report
    from twinspike.reports.summary import print_summary

    chosen, place = opened(config, out)
    find_network(place, chosen)
    path = write_report(place.build, chosen)
    print_summary(place.build, chosen)
    wrote(path, next=f"open it in a browser, or {then('ip', chosen, place)}")


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
