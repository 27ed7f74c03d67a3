"""Search for good trades between accuracy, time and area: Optuna over networks and cores together.

Every trial trains a network for a few epochs and counts its clocks in the core; logic cells and Fmax are
estimates (twinspike/flow/cost.py). Trials lie in one journal file: a search that was interrupted or killed
goes on, and a trial that was under way is queued again and goes on from its checkpoint, since its run is
named by content.
"""

import dataclasses
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from twinspike.config import Config
from twinspike.executor import Executor, Store
from twinspike.flow.cost import check_fit, clock, logic_cells
from twinspike.flow.folders import Folders
from twinspike.hw.plan import make_plan
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_atomically, write_json
from twinspike.numerics.locks import alone_with
from twinspike.numerics.progress import Bar
from twinspike.quant.network import Network
from twinspike.quant.network_file import load_network
from twinspike.study.measure import measure
from twinspike.study.runs import Run, run_for

STUDY_NAME = "explore"
# What is searched, beside the lanes: powers of two up to a layer's width.
HIDDEN = (32, 48, 64, 96, 128, 192, 256, 384, 512)
OUTPUTS = (16, 24, 32, 48, 64)
BITS = (1, 2, 3, 4, 8)
TIMESTEPS = (4, 6, 8, 12)
LANES = (1, 2, 4, 8, 16, 32, 64)
# Membrane bits beside the weights' that leave thresholds and sums room.
STATE_HEADROOM = 4
_SEED = 1


@dataclasses.dataclass(frozen=True)
class Search:
    """One exploration: base configuration, device, folder of the journal, cores measured so far, and where
    runs are kept (default: in the folder)."""

    base: Config
    target: str
    epochs: int
    folder: Path
    records: tuple[dict[str, Any], ...]
    runs: Store | None = None

    def open(self) -> optuna.Study:
        """The study in the journal, made if there is none; raises TwinspikeError for a torn journal."""
        self.folder.mkdir(parents=True, exist_ok=True)
        journal = str(self.folder / "journal.log")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            # The lock by open(O_EXCL) also holds on network file systems.
            storage = JournalStorage(JournalFileBackend(journal, lock_obj=JournalFileOpenLock(journal)))
            return optuna.create_study(
                storage=storage,
                study_name=STUDY_NAME,
                load_if_exists=True,
                directions=["maximize", "minimize", "minimize"],
                # Several trials are under way at a time: each counts as bad until it is known.
                sampler=optuna.samplers.TPESampler(seed=_SEED, n_startup_trials=12, constant_liar=True),
            )
        except (OSError, ValueError, KeyError) as error:
            raise TwinspikeError(f"{journal}: cannot be used ({error}); delete it to start again") from None

    def config(self, trial: optuna.trial.BaseTrial) -> Config:
        """The configuration that a trial's parameters stand for; asks for those it has not got yet."""
        widths = (trial.suggest_categorical("hidden", HIDDEN), trial.suggest_categorical("outputs", OUTPUTS))
        bits = trial.suggest_categorical("weight_bits", BITS)
        layers = [
            {"neurons": n, "weight_bits": bits, "state_bits": max(8, bits + STATE_HEADROOM)} for n in widths
        ]
        lanes = [min(n, trial.suggest_categorical(f"lanes_{i}", LANES)) for i, n in enumerate(widths)]
        training = {
            "epochs": self.epochs,
            "cycles_weight": trial.suggest_float("cycles_weight", 0.01, 10.0, log=True),
        }
        return self.base.changed(
            f"{self.base.name}-{trial.number}",
            timesteps=trial.suggest_categorical("timesteps", TIMESTEPS),
            layers=layers,
            training=training,
            hardware={"lanes": lanes, "targets": [self.target]},
        )

    def run(self, config: Config) -> Run:
        return run_for(config, self.runs or Store.at(self.folder / "runs"))

    def cells(self, network: Network, config: Config) -> float:
        """Logic cells of a trained network's core; raises TwinspikeError if the device cannot hold it."""
        plan = make_plan(network, config.hardware.lanes, self.target)
        cells = logic_cells(plan, self.records)
        check_fit(plan, cells)
        return cells


def explore(search: Search, *, trials: int, executor: Executor, progress: bool = True) -> Path:
    """Bring the study to `trials` finished trials, and draw its Pareto front.

    Writes pareto.json, pareto.svg and the front's configurations as front-<trial>.toml into the
    search's folder; returns it. Raises TwinspikeError if interrupted: the next call goes on.
    """
    if len(search.base.layers) != 2:
        raise TwinspikeError(
            f"explore varies one hidden and one output layer: {search.base.name} has "
            f"{len(search.base.layers)} layers"
        )
    clock(search.target, search.records)  # refuses a device without figures before hours of training
    with alone_with(search.folder):
        study = search.open()
        _requeue_unfinished(study, search)
        with Bar(total=trials, desc="explore", unit="trial", disable=not progress) as bar:
            while len(_finished(study)) < trials:
                bar.update(len(_finished(study)) - bar.n)
                _batch(study, search, trials, executor, bar)
        write_front(study, search)
    return search.folder


def _batch(study: optuna.Study, search: Search, trials: int, executor: Executor, bar: Bar) -> None:
    """Ask for as many trials as are missing, each when there is a slot for it, and tell what they came to.

    Trials that came to the same network wait for one run of it.
    """
    asked: dict[str, list[tuple[optuna.Trial, Run]]] = {}

    def tasks():
        for _ in range(trials - len(_finished(study))):
            trial = study.ask()
            run = search.run(search.config(trial))
            asked.setdefault(run.key, []).append((trial, run))
            if len(asked[run.key]) == 1:
                yield run.task(measure)

    for task, row in executor.each(tasks(), search.run(search.base).store, "explore"):
        for trial, run in asked.pop(task.key):
            _tell(study, search, trial, run, row)
            bar.update()


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _requeue_unfinished(study: optuna.Study, search: Search) -> None:
    """Trials that were under way when a search ended are queued again, with the same parameters."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        try:
            search.config(optuna.trial.FixedTrial(trial.params, trial.number))
        except ValueError:  # it ended before all its parameters were drawn
            continue
        study.enqueue_trial(trial.params)


def _tell(study: optuna.Study, search: Search, trial: optuna.Trial, run: Run, row: dict[str, Any]) -> None:
    try:
        if "error" in row:  # the training refuses this network
            raise TwinspikeError(row["error"])
        with run.store.reading(run.key) as folder:
            network = load_network(Folders(folder).network)
        cells = search.cells(network, run.config)
    except TwinspikeError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.PRUNED)
        return
    trial.set_user_attr("cycles", row["cycles"])
    trial.set_user_attr("hidden_activity", row["hidden_activity"])
    microseconds = row["cycles"]["latency"] / clock(search.target, search.records)
    study.tell(trial, [row["macro_f1"], microseconds, cells])


def write_front(study: optuna.Study, search: Search) -> None:
    """The trials that no other one beats in every respect, as a table, a drawing and configurations."""
    from twinspike.study.figures import front_figure

    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    front = {trial.number for trial in study.best_trials}
    rows = [
        {
            "trial": t.number,
            "front": t.number in front,
            "macro_f1": t.values[0],
            "us": t.values[1],
            "logic_cells": t.values[2],
            **t.params,
            **t.user_attrs,
        }
        for t in done
    ]
    write_json(search.folder / "pareto.json", {"target": search.target, "rows": rows})
    if not rows:
        refused = [str(trial.user_attrs.get("error", "")) for trial in _finished(study)]
        raise TwinspikeError(
            f"none of {len(refused)} networks gave a core for {search.target}, the last one because: "
            f"{refused[-1] if refused else 'nothing was tried'}; try more with --trials and --epochs"
        )
    front_figure(rows, search.target, search.folder)
    for trial in study.best_trials:
        config = search.config(optuna.trial.FixedTrial(trial.params, trial.number))
        # To be trained for as long as the base is.
        config = config.changed(config.name, training={"epochs": search.base.training.epochs})
        write_atomically(search.folder / f"front-{trial.number}.toml", config.toml())
