"""`calibrate`: the planner's model of logic cells."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import MAINTAINERS, command
from twinspike.cli.executors import Cluster, Kept, Processes, executor, kept
from twinspike.cli.options import Out, choice

CALIBRATED = ("up5k", "ecp5-25k", "ecp5-85k")


@command("calibrate", MAINTAINERS)
def calibrate(
    out: Out = "build",
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="the repository")] = Path(),
    target: Annotated[
        list[str] | None,
        choice(
            "--target", CALIBRATED, "only this device's cores; may be given more than once (default: all)"
        ),
    ] = None,
    jobs: Processes = None,
    cluster: Cluster = None,
    store: Kept = None,
) -> None:
    """Fit the model of logic cells to cores that are synthesised and packed.

    Writes results/area-<family>.json with every core, its prediction and its error, and the
    coefficients that the planner uses (hw/predict/area.json). Builds are kept: an interrupted run
    goes on.
    """
    from twinspike.bench.calibrate import calibrate as run

    kept_in = kept(store, Path(out) / "calibrate")
    with executor(jobs, cluster) as workers:
        fitted = run(workers, kept_in, root / "results", target or list(CALIBRATED), root / "hw" / "predict")
    for name, model in fitted.items():
        print(f"{name}: " + " + ".join(f"{x:g} {feature}" for feature, x in model.items()))
