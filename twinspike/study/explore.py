"""Search for good trades between accuracy, time and area: Optuna over networks and cores together.

Every trial trains a network for a few epochs and counts its clocks in the core; logic cells and Fmax are
estimates (twinspike/flow/cost.py). Trials lie in one journal file, so any number of processes, also on
several machines that share the folder, work on one study. A killed trial is queued again and goes on from
its checkpoint, since its folder is named by content.
"""

import dataclasses
import os
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from twinspike.config import Config
from twinspike.flow.cost import check_fit, clock, logic_cells
from twinspike.flow.folders import Folders
from twinspike.hw.plan import make_plan
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_atomically, write_json
from twinspike.numerics.progress import Bar
from twinspike.quant.network import Network
from twinspike.quant.network_file import load_network
from twinspike.study.measure import measure
from twinspike.study.runs import Run, StopIfOrphaned, finish, run_for, start_workers, watch

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
    """One exploration: base configuration, device, folder of journal and runs, and cores measured so far."""

    base: Config
    target: str
    epochs: int
    folder: Path
    records: tuple[dict[str, Any], ...]

    def open(self, seed: int | None = None) -> optuna.Study:
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
                sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=12),
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
        return run_for(config, self.folder / "runs")

    def cells(self, network: Network, config: Config) -> float:
        """Logic cells of a trained network's core; raises TwinspikeError if the device cannot hold it."""
        plan = make_plan(network, config.hardware.lanes, self.target)
        cells = logic_cells(plan, self.records)
        check_fit(plan, cells)
        return cells


def explore(search: Search, *, trials: int, jobs: int, progress: bool = True) -> Path:
    """Bring the study to `trials` finished trials with `jobs` processes, and draw its Pareto front.

    Writes pareto.json, pareto.svg and the front's configurations as front-<trial>.toml into the
    search's folder; returns it. Raises TwinspikeError if interrupted: the next call goes on.
    """
    if len(search.base.layers) != 2:
        raise TwinspikeError(
            f"explore varies one hidden and one output layer: {search.base.name} has "
            f"{len(search.base.layers)} layers"
        )
    clock(search.target, search.records)  # refuses a device without figures before hours of training
    study = search.open()
    _requeue_killed(study, search)
    with Bar(total=trials, desc="explore", unit="trial", disable=not progress) as bar:

        def update() -> None:
            done = len(_finished(study))
            bar.update(min(done, trials) - bar.n)

        watch(start_workers(jobs, _work, search, trials), "explore", update)
    if len(_finished(study)) < trials:
        raise TwinspikeError("explore: a worker ended early: run it again to go on")
    write_front(study, search)
    return search.folder


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _requeue_killed(study: optuna.Study, search: Search) -> None:
    """Trials that no process works on any more are queued again, with the same parameters."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        try:
            config = search.config(optuna.trial.FixedTrial(trial.params, trial.number))
        except ValueError:  # killed before all its parameters were drawn
            study.tell(trial.number, state=TrialState.FAIL)
            continue
        with search.run(config).claimed() as mine:
            if mine:
                study.tell(trial.number, state=TrialState.FAIL)
                study.enqueue_trial(trial.params)


def _work(search: Search, trials: int, stop: StopIfOrphaned) -> None:
    study = search.open(seed=_SEED + os.getpid())
    try:
        while len(_finished(study)) < trials:
            stop()
            _one(study, search, stop)
    except KeyboardInterrupt:
        return


def _one(study: optuna.Study, search: Search, stop: StopIfOrphaned) -> None:
    trial = study.ask()
    config = search.config(trial)
    run = search.run(config)
    with run.claimed() as mine:
        # Another process trains this very network, or the training refuses it: no figures here.
        row: dict[str, Any] = finish(run, measure, stop) if mine else {"error": "claimed"}
    try:
        if "error" in row:
            raise TwinspikeError(row["error"])
        cells = search.cells(load_network(Folders(run.folder).network), config)
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
    front_figure(rows, search.target, search.folder)
    for trial in study.best_trials:
        config = search.config(optuna.trial.FixedTrial(trial.params, trial.number))
        # To be trained for as long as the base is.
        config = config.changed(config.name, training={"epochs": search.base.training.epochs})
        write_atomically(search.folder / f"front-{trial.number}.toml", config.toml())
