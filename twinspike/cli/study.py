"""The command line of what trains many networks: `study`, `recipes`, `explore`; and `oneshot`."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from twinspike.numerics.errors import TwinspikeError

# The configuration that each varies unless told otherwise.
BASES = {"study": "study", "explore": "study"}


def add_steps(
    step: Callable[..., argparse.ArgumentParser],
    positive: Callable[[str], int],
    seeds: Callable[[str], list[int]],
    targets: list[str],
) -> None:
    """Add the steps through `step(name, help, more)`; the others parse and list option values."""
    study = step(
        "study", "train and measure dozens of networks, one thing varied at a time around --config",
        "Codings and their non-sparse twins, distances, losses, weight bits and neurons, on MNIST and "
        "Fashion-MNIST. Finished runs are kept by content in build/study/runs: a study that was "
        "interrupted or killed goes on, and only what a change concerns is trained again. Several calls "
        "share the work.",
    )  # fmt: skip
    study.add_argument("--quick", action="store_true", help="MNIST and a part of the grid only")
    study.add_argument(
        "--dataset", action="append", choices=("mnist", "fashion"),
        help="only this one; may be given more than once (default: both)",
    )  # fmt: skip
    recipes = step(
        "recipes", "train the shipped recipes with several seeds: mean and spread",
        "A network that ships serves for its own seed. Kept and resumed like the study.",
    )  # fmt: skip
    recipes.add_argument("names", nargs="*", metavar="NAME", help="recipes (default: all)")
    recipes.add_argument("--seeds", type=seeds, default=[1, 2, 3], metavar="1,2,3", help="seeds")
    oneshot = step(
        "oneshot", "measure new classes from a few examples: Omniglot's one-shot task, digits enrolled later",
        "Networks that do not ship are trained first. Omniglot's three archives are to lie in the folder "
        "omniglot/ where datasets are (twinspike doctor says where).",
    )  # fmt: skip
    explore = step(
        "explore", "search networks and cores together for the best trades of F1, time and area",
        "Optuna varies widths, weight bits, time steps, lanes and the weight of clocks in the loss around "
        "--config. Any number of calls, also on other machines that share the folder, work on one study; "
        "build/explore/<config>/ gets pareto.svg, pareto.json and a configuration a point of the front.",
    )  # fmt: skip
    explore.add_argument("--target", default="up5k", choices=targets, help="device (default: up5k)")
    explore.add_argument("--trials", type=positive, default=60, metavar="N", help="networks (default: 60)")
    explore.add_argument(
        "--epochs", type=positive, default=3, metavar="N", help="passes over the data a trial (default: 3)"
    )
    for many in (study, recipes, explore):
        many.add_argument(
            "--jobs", type=positive, default=os.cpu_count() or 1, metavar="N",
            help="processes (default: one a core)",
        )  # fmt: skip
    for many in (study, recipes, explore, oneshot):
        many.add_argument(
            "--results", type=Path, default=Path("results"), metavar="DIR",
            help="folder of the committed figures (default: results)",
        )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Run one of the steps; raises TwinspikeError."""
    {"study": _study, "recipes": _recipes, "explore": _explore, "oneshot": _oneshot}[options.step](options)
    return 0


def _study(options: argparse.Namespace) -> None:
    from twinspike.study.study import DATASETS, study

    build = Path(options.out) / "study"
    path = build / "quick.json" if options.quick else options.results / "study.json"
    study(
        options.config, build, path,
        quick=options.quick, jobs=options.jobs, datasets=options.dataset or DATASETS,
    )  # fmt: skip
    print(f"study: {path}" + ("" if options.quick else " (make docs fills docs/study.md from it)"))


def _recipes(options: argparse.Namespace) -> None:
    from twinspike.study.recipes import WANTED, recipes

    for name in options.names:
        if name not in WANTED:
            raise TwinspikeError(f"recipe {name!r} is unknown: choose {', '.join(WANTED)}")
    build, path = Path(options.out) / "recipes", options.results / "recipes.json"
    recipes(options.names or list(WANTED), build, path, seeds=options.seeds, jobs=options.jobs)
    print(f"recipes: {path} (make docs fills docs/study.md from it)")


def _oneshot(options: argparse.Namespace) -> None:
    from twinspike.study.oneshot import oneshot

    path = oneshot(options.out, options.results / "oneshot.json")
    print(f"oneshot: {path} (make docs fills docs/study.md from it)")


def _explore(options: argparse.Namespace) -> None:
    from twinspike.config import load_config
    from twinspike.documents.tables import Figures
    from twinspike.study.explore import Search, explore

    config = load_config(options.config)
    records = tuple(Figures.read(options.results).records.values())
    folder = Path(options.out) / "explore" / config.name
    search = Search(config, options.target, options.epochs, folder, records)
    explore(search, trials=options.trials, jobs=options.jobs)
    print(f"explore: {folder}: pareto.svg, pareto.json, front-<trial>.toml (make train CONFIG={folder}/...)")
