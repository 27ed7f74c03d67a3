"""Fuzzing: hypothesis draws cases from the whole legal space until a count or a time is reached.

Counts are kept in a file after every batch of cases, so a campaign goes on where the last one ended; a
failing case is shrunk by hypothesis and written to a file that replays it.
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...executor import Executor, Store, Task, in_this_process
from ...hw.emit.emit import generator_hash
from ...numerics.errors import TwinspikeError
from ...numerics.files import write_atomically, write_json
from ...numerics.progress import Bar
from ..bench.direct import Workshop
from .batch import add_counts, has_icarus, try_batch
from .case import Case
from .trial import Differs, attempt


@dataclasses.dataclass(frozen=True)
class Finding:
    """A case in which something differed, shrunk, and where it was written."""

    case: Case
    message: str
    path: Path


class Campaign:
    """Draws and tries cases, a batch a seed, adding to the counts in the file `results`.

    The same `first_seed` gives the same cases; a file that is there goes on behind its last batch. With
    `maps` the cases are networks of layers on feature maps. Batches are the tasks of `executor`.
    """

    def __init__(
        self,
        folder: Path,
        results: Path,
        first_seed: int | None = None,
        *,
        maps: bool = False,
        executor: Executor | None = None,
    ):
        self._maps = maps
        self._executor = executor or in_this_process()
        self.leaves_out_icarus = not has_icarus()
        self._folder = folder
        self._path = results
        self._counts = _read(results)
        # Of the code that runs, whatever is written over its files meanwhile.
        self._generator = generator_hash()[:12]
        if first_seed is not None:
            self._counts["next_seed"] = first_seed

    @property
    def counts(self) -> dict[str, Any]:
        """What was tried so far, all campaigns together."""
        return self._counts

    def run(self, networks: int | None, minutes: float | None) -> Finding | None:
        """Go on until so many networks in all or so many minutes from now; the first finding ends it."""
        wanted = networks if networks is not None else float("inf")
        until = time.time() + 60 * minutes if minutes is not None else float("inf")
        done: set[int] = set()
        with Bar(total=networks, initial=self._counts["networks"], unit="network") as bar:
            tasks = self._tasks(lambda: self._counts["networks"] >= wanted or time.time() >= until, until)
            for task, found in self._executor.each(tasks, Store.at(self._folder / "batches"), "fuzz"):
                number = task.arguments[0]
                bar.set_description(f"seed {number}")
                self._count(found)
                bar.update(self._counts["networks"] - bar.n)
                if found["failing"]:
                    return self._finding(**found["failing"])
                done.add(number)
                while self._counts["next_seed"] in done:  # a batch that others have overtaken is still due
                    self._counts["next_seed"] += 1
                write_json(self._path, self._counts)
        return None

    def _tasks(self, over: Callable[[], bool], until: float) -> Iterator[Task]:
        number = self._counts["next_seed"]
        while not over():
            yield Task(f"fuzz-{number}", try_batch, (number, self._maps, until), f"seed {number}", kept=False)
            number += 1

    def _count(self, found: dict[str, Any]) -> None:
        """Add a batch's counts."""
        c = self._counts
        for key, value in found["counts"].items():
            c[key] = round(c.get(key, 0) + value, 2)
        tables = {"refused": c.setdefault("refused", {})} if found["refused"] else {}
        for what, kinds in found["coverage"].items():
            tables[what] = c["coverage"].setdefault(what, {})
            add_counts(tables[what], kinds)
        if found["refused"]:
            add_counts(tables["refused"], found["refused"])
        networks = found["counts"].get("networks", 0)
        if networks:
            add_counts(c["generators"], {self._generator: networks})

    def _finding(self, case: str, message: str) -> Finding:
        path = self._folder / "failures" / f"{hashlib.sha256(case.encode()).hexdigest()[:12]}.json"
        write_atomically(path, case)
        return Finding(Case.from_json(case, str(path)), message, path)


def replay(path: Path, folder: Path) -> str | None:
    """Try the case in a file once more: what differs, or None. Raises TwinspikeError for a bad file."""
    try:
        text = path.read_text()
    except OSError as error:
        raise TwinspikeError(f"{path}: cannot read the case: {error.strerror or error}") from None
    case = Case.from_json(text, str(path))
    try:
        attempt(case, Workshop(folder / "builds", case.simulator))
    except Differs as found:
        return str(found)
    return None


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"networks": 0, "next_seed": 1, "coverage": {}, "generators": {}}
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise TwinspikeError(f"{path}: cannot be read ({error}): delete it to count anew") from None
