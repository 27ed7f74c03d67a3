"""`explore`: networks and cores searched together."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.options import TARGETS, Config, Out, choice, number

# Shared with the commands that train many networks.
Processes = Annotated[int | None, number("--jobs", "N", "processes (default: one per core)")]
Figures = Annotated[Path, typer.Option("--results", metavar="DIR", help="folder of the committed figures")]
RESULTS = Path("results")


def processes(jobs: int | None) -> int:
    """How many to run at a time."""
    return jobs or os.cpu_count() or 1


@command("explore")
def explore(
    config: Config = "study",
    out: Out = "build",
    target: Annotated[str, choice("--target", TARGETS, "device")] = TARGETS[0],
    trials: Annotated[int, number("--trials", "N", "networks")] = 60,
    epochs: Annotated[int, number("--epochs", "N", "passes over the data a trial")] = 3,
    jobs: Processes = None,
    results: Figures = RESULTS,
) -> None:
    """Search networks and cores together for the best trades of F1, time and area.

    Optuna varies widths, weight bits, time steps, lanes and the weight of clocks in the loss around
    --config. Any number of calls, also on other machines that share the folder, work on one study;
    build/explore/<config>/ gets pareto.svg, pareto.json and a configuration a point of the front.
    """
    from twinspike.cli.closing import wrote
    from twinspike.config import load_config
    from twinspike.documents.tables import Figures
    from twinspike.flow.identity import claim
    from twinspike.study.explore import Search
    from twinspike.study.explore import explore as run

    chosen = load_config(config)
    records = tuple(Figures.read(results).records.values())
    folder = Path(out) / "explore" / chosen.name
    claim(chosen, folder)
    run(Search(chosen, target, epochs, folder, records), trials=trials, jobs=processes(jobs))
    chosen_of_front = shlex.join(["twinspike", "train", "--config", f"{folder}/front-N.toml"])
    wrote(folder, "pareto.svg, pareto.json, front-<trial>.toml", next=chosen_of_front)
