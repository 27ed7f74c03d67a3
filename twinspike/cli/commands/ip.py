"""`ip`: the core as a package for somebody else's design."""

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
) -> None:
    """Write an IP package: Verilog, register map, test benches, constraints, datasheet.

    Beside the stream core come tops with AXI4-Lite and Wishbone, test benches with golden vectors for
    plain Icarus or Verilator, a FuseSoC .core file and a README as datasheet. It needs no Python.
    """
    from twinspike.flow.folders import find_network, opened
    from twinspike.flow.plans import make_plan_for, test_images
    from twinspike.ip.package import write_ip

    chosen, place = opened(config, out)
    network = find_network(place, chosen)
    images, labels = test_images(chosen, network, frames)
    written = folder or place.ip(target)
    plan = make_plan_for(chosen, network, target)
    summary = write_ip(plan, network.encode(images), labels, written, place.build)
    print(
        f"{written}: {', '.join(summary['tops'])}; {len(images)} golden images; check: make -C {written}/tb"
    )
