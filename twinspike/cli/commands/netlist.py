"""`netlist`: the synthesised cells in simulation."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import MAINTAINERS, command
from twinspike.cli.options import Config, Out, SomeTargets, number


@command("netlist", MAINTAINERS)
def netlist(
    config: Config = "digits",
    out: Out = "build",
    target: SomeTargets = None,
    frames: Annotated[int, number("--frames", "N", "test images")] = 20,
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="DIR", help="also add the figures to netlist.json of this folder"),
    ] = None,
) -> int:
    """Simulate the synthesised cells of the core, against the golden model.

    Test images through the netlist, undisturbed and stalled: spikes, results and cycles. Written to
    <target>/netlist.json of the build folder. Ends with status 1 at any difference.
    """
    from twinspike.flow.cores import as_predicted
    from twinspike.flow.folders import opened
    from twinspike.flow.netlists import simulate_netlists

    chosen, place = opened(config, out)
    targets = target or list(chosen.hardware.targets)
    good = True
    for each, found in simulate_netlists(chosen, place, targets, frames, results):
        for row in found["runs"]:
            equal = as_predicted(row)
            good = good and equal
            print(
                f"{chosen.name}, netlist of {sum(found['cells'].values()):,} {each} cells, {row['run']}: "
                f"{row['frames']} frames, {row['spikes_compared']:,} spikes compared, "
                + ("all equal" if equal else f"DIFFERS: {row['first_mismatch'] or row}")
            )
    return 0 if good else 1
