"""Published methods, measured: parts computed once and kept, figures and verdicts in one file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twinspike.executor import Executor, Store, Task, content_key
from twinspike.numerics.files import write_json
from twinspike.numerics.sources import source_hash

from .methods.method import Method, Row
from .methods.registry import METHODS
from .runs import code_version, rows_of

__all__ = ["METHODS", "reproduce"]


def reproduce(
    names: Sequence[str], store: Store, results: Path, *, executor: Executor, progress: bool = True
) -> Path:
    """Measure the named methods into the file `results`; the rows of others stay.

    Finished parts are kept in `store` by content, and unfinished trainings go on from their checkpoints.
    Raises TwinspikeError for data that is missing, and if interrupted.
    """
    for name in names:
        method = METHODS[name]
        row = _row(method, _parts(method, store, executor, progress))
        # Another process may have measured another method meanwhile.
        before = json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {"methods": []}
        rows = {one["name"]: one for one in before["methods"]} | {name: row}
        write_json(results, {"methods": [rows[one] for one in METHODS if one in rows]})
    return results


def _parts(method: Method, store: Store, executor: Executor, progress: bool) -> dict[str, Row]:
    """The figures of each part, in their order."""
    own = source_hash(method.parts[0].call.__module__.removeprefix("twinspike."), bare=True)[:16]
    keys = {
        part.name: content_key(method.name, part.name, part.arguments, part.inputs(), code_version(), own)
        for part in method.parts
    }
    tasks = [
        Task(keys[part.name], part.call, part.arguments, f"{method.name}: {part.name}")
        for part in method.parts
    ]
    found = rows_of(tasks, store, executor, method.name, progress)
    return {name: found[key] for name, key in keys.items()}


def _row(method: Method, parts: dict[str, Row]) -> dict[str, Any]:
    goals = [{"what": g.what, "ours": g.ours, "wanted": g.wanted, "met": g.met} for g in method.goals(parts)]
    return {"name": method.name, "goals": goals, "parts": parts}
