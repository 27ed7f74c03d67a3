"""`study`, `recipes`, `recordings`, `oneshot` and `reproduce`: measurements that train many networks."""

from pathlib import Path
from typing import Annotated

import typer

from twinspike.cli.app import MAINTAINERS, command
from twinspike.cli.commands.explore import RESULTS, Figures
from twinspike.cli.executors import Cluster, Kept, Processes, executor, kept
from twinspike.cli.options import USUAL_SEEDS, Config, Out, Seeds, choice, parse_seeds
from twinspike.numerics.errors import TwinspikeError, did_you_mean

# Test parts of recordings are small: their spread needs more seeds.
FIVE_SEEDS = Seeds((1, 2, 3, 4, 5))


@command("study", MAINTAINERS)
def study(
    config: Config = "study",
    out: Out = "build",
    quick: Annotated[bool, typer.Option("--quick", help="MNIST and a part of the grid only")] = False,
    dataset: Annotated[
        list[str] | None,
        choice(
            "--dataset", ("mnist", "fashion"), "only this one; may be given more than once (default: both)"
        ),
    ] = None,
    jobs: Processes = None,
    cluster: Cluster = None,
    store: Kept = None,
    results: Figures = RESULTS,
) -> None:
    """Train and measure dozens of networks, one thing varied at a time around --config.

    Encodings and their non-sparse twins, distances, losses, weight bits and neurons, on MNIST and
    Fashion-MNIST. Finished runs are kept by content in build/study/runs: a study that was
    interrupted or killed goes on, and only what a change concerns is trained again. With --cluster
    the runs are those of a Dask cluster's workers.
    """
    from twinspike.study.study import DATASETS
    from twinspike.study.study import study as run

    build = Path(out) / "study"
    path = build / "quick.json" if quick else results / "study.json"
    where = kept(store, build / "runs")
    with executor(jobs, cluster) as workers:
        run(config, where, path, quick=quick, executor=workers, datasets=dataset or DATASETS)
    print(f"study: {path}" + ("" if quick else " (make docs fills docs/study.md from it)"))


@command("recipes", MAINTAINERS)
def recipes(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="recipes (default: all)")] = None,
    out: Out = "build",
    seeds: Annotated[
        Seeds, typer.Option("--seeds", parser=parse_seeds, metavar="1,2,3", help="seeds")
    ] = USUAL_SEEDS,
    jobs: Processes = None,
    cluster: Cluster = None,
    store: Kept = None,
    results: Figures = RESULTS,
) -> None:
    """Train the shipped recipes with several seeds: mean and spread.

    A network that ships serves for its own seed. Kept and resumed like the study.
    """
    from twinspike.study.recipes import WANTED
    from twinspike.study.recipes import recipes as run

    for name in names or ():
        if name not in WANTED:
            raise TwinspikeError(f"recipe {name!r} is unknown: choose {', '.join(WANTED)}")
    path = results / "recipes.json"
    where = kept(store, Path(out) / "recipes" / "runs")
    with executor(jobs, cluster) as workers:
        run(names or list(WANTED), where, path, seeds=list(seeds), executor=workers)
    print(f"recipes: {path} (make docs fills docs/study.md from it)")


@command("recordings", MAINTAINERS)
def recordings(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="configurations (default: all that ship)")
    ] = None,
    out: Out = "build",
    seeds: Annotated[
        Seeds, typer.Option("--seeds", parser=parse_seeds, metavar="1,2,3", help="seeds")
    ] = FIVE_SEEDS,
    variant: Annotated[
        list[str] | None,
        choice("--variant", ("delays", "spike", "membranes"), "only this one, may be given more than once"),
    ] = None,
    without: Annotated[bool, typer.Option("--no-variants", help="the networks as they ship alone")] = False,
    results: Figures = RESULTS,
) -> None:
    """Measure the networks for events, sound and packets beside plain classifiers, over seeds or splits.

    A network that ships serves for its own seed. Networks that were trained for it before are kept in
    build/recordings; those of other settings are left aside there.
    """
    from twinspike.study.recorded import VARIANTS, WANTED, recorded

    for name in names or ():
        if name not in WANTED:
            raise TwinspikeError(f"configuration {name!r} has no recordings: choose {', '.join(WANTED)}")
    path = results / "own_data.json"
    asked = [] if without else [name for name in VARIANTS if not variant or name.split()[0] in variant]
    recorded(names or list(WANTED), Path(out) / "recordings", path, seeds=list(seeds), variants=asked)
    print(f"recordings: {path} (make docs fills docs/recordings.md from it)")


@command("oneshot", MAINTAINERS)
def oneshot(
    out: Out = "build",
    jobs: Processes = None,
    cluster: Cluster = None,
    store: Kept = None,
    results: Figures = RESULTS,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="leave out networks that neither ship nor have been trained")
    ] = False,
) -> None:
    """Measure new classes from a few examples: Omniglot's tasks, digits enrolled later, unknown ones.

    Networks that do not ship are trained first, unless they are to be left out. Omniglot's three archives
    are to lie in the folder omniglot/ where datasets are (twinspike doctor says where). What was measured is
    kept: an interrupted run goes on.
    """
    from twinspike.study.oneshot import oneshot as run

    path = results / "oneshot.json"
    where = kept(store, Path(out) / "oneshot" / "runs")
    with executor(jobs, cluster) as workers:
        run(out, where, path, executor=workers, shipped=shipped)
    print(f"oneshot: {path} (make docs fills docs/study.md from it)")


@command("reproduce", MAINTAINERS)
def reproduce(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="methods (default: all)")] = None,
    out: Out = "build",
    jobs: Processes = None,
    cluster: Cluster = None,
    store: Kept = None,
    results: Figures = RESULTS,
) -> None:
    """Measure published methods beside their papers and beside today's learning rule.

    Trains, measures, and simulates the cores of those that have one. Kept and resumed like the study.
    """
    from twinspike.study.reproduce import METHODS
    from twinspike.study.reproduce import reproduce as run

    for name in names or ():
        if name not in METHODS:
            meant = did_you_mean(name, METHODS)
            raise TwinspikeError(f"method {name!r} is unknown: {meant}choose {', '.join(METHODS)}")
    path = results / "reproduce.json"
    where = kept(store, Path(out) / "reproduce" / "runs")
    with executor(jobs, cluster) as workers:
        run(names or list(METHODS), where, path, executor=workers)
    print(f"reproduce: {path} (make docs fills docs/methods.md from it)")
