"""Many trainings at once: each cached by content, shared by worker processes, resumed after a kill.

A run's folder is named by a hash of everything that its figures depend on: configuration, data
checksums and the code that trains and measures. A finished run leaves ``row.json`` there and is not
run again; an unfinished one goes on from its checkpoint. A lock, which the system drops with the
process that holds it, lets any number of processes work on the same list.
"""

import contextlib
import dataclasses
import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from twinspike.config import Config
from twinspike.model.data.shipped import IDX_SOURCES
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import write_json
from twinspike.numerics.locks import claimed
from twinspike.numerics.progress import Bar
from twinspike.numerics.sources import source_hash

ROW_FILE, LOG_FILE, CHECKPOINT_FILE = "row.json", "train.jsonl", "checkpoint.safetensors"
# What decides a run's figures: training and its compiled passes, the golden model that measures it, and the
# plan and clocks of its core.
_CODE = ("numerics", "quant", "model", "sim.golden", "hw.plan", "hw.predict", "hw.devices")
# measure(config, folder, on_step) trains one configuration into a folder and gives its row.
Measure = Callable[[Config, Path, Callable[[int, int], None]], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Run:
    """One training to do: its configuration and the folder, named by content, that holds its outputs."""

    config: Config
    folder: Path

    @property
    def row(self) -> dict[str, Any] | None:
        """The figures if the run is finished."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads((self.folder / ROW_FILE).read_text(encoding="utf-8"))
        return None

    @property
    def epochs_done(self) -> int:
        if (self.folder / ROW_FILE).exists():
            return self.config.training.epochs
        with contextlib.suppress(OSError):
            return (self.folder / LOG_FILE).read_bytes().count(b"\n")
        return 0

    @contextlib.contextmanager
    def claimed(self) -> Iterator[bool]:
        """Whether this process may work on the run now; no other one can meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with claimed(self.folder) as mine:
            yield mine


def run_for(config: Config, root: Path) -> Run:
    """The run of a configuration below `root`. The configuration's name does not count."""
    table = {key: value for key, value in config.table().items() if key != "name"}
    source = IDX_SOURCES.get(config.dataset)
    data = [file.sha256 for file in source.files] if source else []
    what = json.dumps([table, data, code_version()], sort_keys=True)
    return Run(config, root / hashlib.sha256(what.encode()).hexdigest()[:16])


def code_version() -> str:
    """Hash of the code that trains and measures, without comments, docstrings and layout."""
    return source_hash(*_CODE, suffixes=(".py", ".cpp"), bare=True)[:16]


class StopIfOrphaned:
    """An `on_step` of a training that stops it, with a checkpoint, once the process `parent` is gone."""

    def __init__(self, parent: int):
        self.parent = parent

    def __call__(self, epoch: int = 0, step: int = 0) -> None:
        if os.getppid() != self.parent:
            raise KeyboardInterrupt


def start_workers(jobs: int, target: Callable[..., None], *arguments: Any) -> list[BaseProcess]:
    """`jobs` processes that run ``target(*arguments, stop)``; `stop` is a StopIfOrphaned."""
    context = multiprocessing.get_context("spawn")
    stop = StopIfOrphaned(os.getpid())
    workers: list[BaseProcess] = [
        context.Process(target=target, args=(*arguments, stop), daemon=True) for _ in range(jobs)
    ]
    for worker in workers:
        worker.start()
    return workers


def watch(workers: Sequence[BaseProcess], title: str, update: Callable[[], None]) -> None:
    """Call `update` until all workers have ended; after Ctrl-C wait for their checkpoints and say so."""
    try:
        while any(worker.is_alive() for worker in workers):
            update()
            time.sleep(0.5)
        update()
    except KeyboardInterrupt:
        for worker in workers:
            worker.join()  # Ctrl-C reached them too
        raise TwinspikeError(f"{title} interrupted; nothing is lost: run it again to go on") from None


def complete(runs: Sequence[Run], measure: Measure, *, jobs: int, title: str, progress: bool = True) -> None:
    """Finish every run with `jobs` processes; `measure` trains one and gives its row.

    A run that the network or its training refuses (TwinspikeError) is finished with a row that
    holds only `error`. Raises TwinspikeError after Ctrl-C, or if a worker dies.
    """
    runs = list({run.folder: run for run in runs}.values())  # rows may share a run
    todo = [run for run in runs if run.row is None]
    total = sum(run.config.training.epochs for run in runs)
    with Bar(total=total, desc=title, unit="epoch", disable=not progress) as bar:

        def update() -> None:
            bar.update(sum(run.epochs_done for run in runs) - bar.n)
            bar.set_postfix_str(f"{sum(run.row is not None for run in runs)} of {len(runs)} runs done")

        watch(start_workers(min(jobs, len(todo)), _work, todo, measure), title, update)
    missing = sum(run.row is None for run in runs)
    if missing:
        raise TwinspikeError(f"{title}: {missing} of {len(runs)} runs did not finish: run it again to go on")


def _work(runs: Sequence[Run], measure: Measure, stop: StopIfOrphaned) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        for run in runs:
            stop()
            with run.claimed() as mine:
                if mine:
                    finish(run, measure, stop)


def finish(run: Run, measure: Measure, stop: StopIfOrphaned) -> dict[str, Any]:
    """The row of a claimed run: the one that it has, or of its training to the end in this process."""
    from twinspike.model.training import TrainingInterrupted

    row = run.row
    if row is None:
        try:
            row = measure(run.config, run.folder, stop)
        except TrainingInterrupted:
            raise KeyboardInterrupt from None
        except TwinspikeError as error:
            row = {"error": str(error)}
        write_json(run.folder / ROW_FILE, row)
        (run.folder / CHECKPOINT_FILE).unlink(missing_ok=True)
    return row
