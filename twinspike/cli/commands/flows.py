"""`flows`: the Verilog through yosys' flows for other families."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import MAINTAINERS, command
from twinspike.cli.options import Out, choice

CONFIGS = ("mnist-small", "mnist-fast", "mnist")


@command("flows", MAINTAINERS)
def flows(
    out: Out = "build",
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="the repository")] = Path(),
    config: Annotated[
        list[str] | None,
        choice("--config", CONFIGS, "only this core; may be given more than once (default: all)"),
    ] = None,
) -> None:
    """Count cells of cores on families that they are not placed for: results/flows.json.

    AMD Xilinx 7 series, Gowin, GateMate and Cyclone V, by yosys' own commands from the emitted Verilog. No
    clock is claimed.
    """
    from twinspike.bench.flows import measure

    measure(config or list(CONFIGS), out, root / "results")
