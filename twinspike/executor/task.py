"""A run: what computes a result, under a key that names everything the result depends on."""

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .store import Store, Workplace

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Task:
    """``call(workplace, *arguments)`` gives the run's result, JSON-ready.

    `key` names by content what the result depends on, the code included: a result under it is not computed
    again, unless the task is not `kept`. `call` is a function of a module, so that other processes can import
    it; `title` is for people.
    """

    key: str
    call: Callable[..., Row]
    arguments: tuple[Any, ...] = ()
    title: str = ""
    kept: bool = True

    def found(self, store: Store) -> Row | None:
        """The result that the store has."""
        return store.row(self.key) if self.kept else None


def content_key(*parts: Any) -> str:
    """16 hexadecimal digits of the hash of JSON-ready values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def perform(task: Task, store: Store) -> Row:
    """The result of a task: the one that the store has, or of its call in this process.

    A second process that comes to the same task on a shared path waits for the first one's result.
    """
    if not task.kept:
        with tempfile.TemporaryDirectory(prefix="twinspike-") as name:
            return _plain(task.call(Workplace(store, task.key, Path(name)), *task.arguments))
    with store.workplace(task.key) as place:
        row = store.row(task.key)
        if row is None:
            row = _plain(task.call(place, *task.arguments))
            place.save()
            store.write(task.key, row)
        return row


def _plain(row: Row) -> Row:
    """As it comes back from a store: lists for tuples."""
    return json.loads(json.dumps(row))
