"""`explore`: networks and cores searched together."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import command
from twinspike.cli.executors import Cluster, Kept, Processes, executor, kept
from twinspike.cli.options import TARGETS, Config, Out, choice, number

Figures = Annotated[Path, typer.Option("--results", metavar="DIR", help="folder of the committed figures")]
RESULTS = Path("results")


@command("explore")
def explore(
    config: Config = "study",
    out: Out = "build",
    target: Annotated[str, choice("--target", TARGETS, "device")] = TARGETS[0],
    trials: Annotated[int, number("--trials", "N", "networks")] = 60,
    epochs: Annotated[int, number("--epochs", "N", "passes over the data a trial")] = 3,
    jobs: Processes = None,
    cluster: Cluster = None,
    store: Kept = None,
    results: Figures = RESULTS,
) -> None:
    """Search networks and cores together for the best trades of F1, time and area.

    Optuna varies widths, weight bits, time steps, lanes and the weight of clocks in the loss around
    --config. A search that was interrupted goes on; with --cluster its networks train on a Dask cluster.
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
    search = Search(chosen, target, epochs, folder, records, kept(store, folder / "runs"))
    with executor(jobs, cluster) as workers:
        run(search, trials=trials, executor=workers)
    onward = shlex.join(["twinspike", "train", "--config", f"{folder}/front-N.toml"])
    wrote(folder, "pareto.svg, pareto.json, front-<trial>.toml", next=onward)
