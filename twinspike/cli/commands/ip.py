"""`ip`: the core as a package for somebody else's design."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import GENERIC, AnyTarget, Config, Out, number


@command("ip")
def ip(
    config: Config = "digits",
    out: Out = "build",
    target: AnyTarget = GENERIC,
    frames: Annotated[int, number("--frames", "N", "test images as golden vectors")] = 10,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="where to write (default: build/<config>/ip)"),
    ] = None,
    name: Annotated[
        str,
        typer.Option(
            "--name",
            metavar="NAME",
            help="of the core's module, and what the names of its other modules, memory images and macros "
            "begin with: packages of different names stand in one design (default: twinspike_core and so on)",
        ),
    ] = "",
) -> None:
    """Write an IP package: Verilog, register map, test benches, constraints, datasheet.

    Beside the stream core come tops with AXI4-Lite and Wishbone, test benches with golden vectors for
    plain Icarus or Verilator, a FuseSoC .core file and a README as datasheet. It needs no Python.
    """
    from twinspike.cli.chosen import chosen_net
    from twinspike.cli.closing import wrote

    written, tops = chosen_net(config, out).core(target).package(folder, frames=frames, name=name)
    check = shlex.join(["make", "-C", f"{written}/tb"])
    print(f"tops {', '.join(tops)}; {frames} golden images")
    wrote(written, next=check)
