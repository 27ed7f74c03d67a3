"""Many trainings at once: each cached by content and resumed after a kill.

A run is named by a hash of everything that its figures depend on: configuration, data checksums and the
code that trains and measures. A finished run leaves ``row.json`` in the store and is not run again; an
unfinished one goes on from its checkpoint.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from twinspike.config import Config
from twinspike.executor import Executor, Store, Task, Workplace, content_key
from twinspike.model.data.downloads import file_sha256
from twinspike.model.data.recorded import RECORDED, recorded_files
from twinspike.model.data.shipped import file_checksums
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.progress import Bar
from twinspike.numerics.sources import source_hash

LOG_FILE, CHECKPOINT_FILE = "train.jsonl", "checkpoint.safetensors"
# What decides a run's figures: training and its compiled passes, the golden model that measures it, and the
# plan and clocks of its core.
_CODE = ("numerics", "quant", "model", "sim.golden", "hw.plan", "hw.predict", "hw.devices")
# measure(config, folder, on_step) trains one configuration into a folder and gives its row.
Measure = Callable[..., dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Run:
    """One training to do: its configuration, and the key, by content, of its outputs in a store."""

    config: Config
    store: Store
    key: str

    @property
    def row(self) -> dict[str, Any] | None:
        """The figures if the run is finished."""
        return self.store.row(self.key)

    def task(self, measure: Measure) -> Task:
        return Task(self.key, finish, (self.config, measure), self.config.name)


def run_for(config: Config, store: Store) -> Run:
    """The run of a configuration in a store. The configuration's name does not count."""
    return Run(config, store, content_key(nameless(config), data_checksums(config), code_version()))


def nameless(config: Config) -> dict[str, Any]:
    """A configuration's table without its name: what a result depends on."""
    return {key: value for key, value in config.table().items() if key != "name"}


def data_checksums(config: Config) -> list[str]:
    """Those of a dataset's files, [] where it has none; raises TwinspikeError for a file that is missing."""
    if config.dataset in RECORDED:
        return [file_sha256(path) for path in recorded_files(config.dataset)]
    return file_checksums(config.dataset)


def code_version() -> str:
    """Hash of the code that trains and measures, without comments, docstrings and layout."""
    return source_hash(*_CODE, suffixes=(".py", ".cpp"), bare=True)[:16]


def finish(place: Workplace, config: Config, measure: Measure) -> dict[str, Any]:
    """The figures of a training to the end, from a checkpoint in the workplace if there is one.

    A run that the network or its training refuses (TwinspikeError) has a row that holds only `error`.
    """
    from twinspike.model.training.training import TrainingInterrupted

    try:
        row = measure(config, place.folder, place)
    except TrainingInterrupted:
        raise
    except TwinspikeError as error:
        row = {"error": str(error)}
    (place.folder / CHECKPOINT_FILE).unlink(missing_ok=True)
    return row


def complete(
    runs: Sequence[Run], measure: Measure, *, executor: Executor, title: str, progress: bool = True
) -> None:
    """Finish every run; `measure` trains one and gives its row. Raises TwinspikeError after Ctrl-C."""
    todo = {run.key: run for run in runs}  # rows may share a run
    with Bar(total=len(todo), desc=title, unit="run", disable=not progress) as bar:
        for store in {run.store for run in todo.values()}:
            tasks: Iterator[Task] = (run.task(measure) for run in todo.values() if run.store == store)
            for task, _ in executor.each(tasks, store, title):
                bar.set_postfix_str(task.title)
                bar.update()


def rows_of(
    tasks: Sequence[Task], store: Store, executor: Executor, title: str, progress: bool
) -> dict[str, dict[str, Any]]:
    """The figures of all tasks, by their keys; raises what a task raises, and Interrupted after Ctrl-C."""
    found = {}
    with Bar(total=len(tasks), desc=title, unit="part", disable=not progress) as bar:
        for task, row in executor.each(tasks, store, title):
            found[task.key] = row
            bar.set_postfix_str(task.title)
            bar.update()
    return found
