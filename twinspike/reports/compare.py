"""``twinspike report A B ...``: two runs or more on one page, number by number."""

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from twinspike.config import Config
from twinspike.flow.results import Results, read_results
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import replacing_folder, write_atomically

from . import numbers
from .figures import compared_curves
from .render import render
from .summary import summary_rows

# Colours and line styles of the curves; more runs would not be told apart.
MOST_RUNS = 8


@dataclasses.dataclass(frozen=True)
class Run:
    """One of the runs that are compared: `name` on the page, and what its build folder holds."""

    name: str
    build: Path
    config: Config
    results: Results


def read_run(build: Path, config: Config) -> Run:
    """What there is of a configuration in its build folder; raises TwinspikeError without a network."""
    return Run(config.name, build, config, read_results(build, config))


def told_apart(runs: Sequence[Run]) -> list[Run]:
    """The runs, those of equal names called by their folders; raises TwinspikeError if one is there twice."""
    names, folders = [run.name for run in runs], [run.build.resolve() for run in runs]
    for run, folder in zip(runs, folders, strict=True):
        if folders.count(folder) > 1:
            raise TwinspikeError(f"{run.build} is named twice: a run cannot be compared with itself")
    return [
        dataclasses.replace(run, name=str(run.build)) if names.count(run.name) > 1 else run for run in runs
    ]


def comparison_name(runs: Sequence[Run]) -> str:
    """What the folder of a comparison is called."""
    return "-and-".join(run.config.name for run in runs)


def write_comparison(runs: Sequence[Run], out: Path) -> Path:
    """Write index.html into the folder `out`; returns its path. Raises TwinspikeError for too few or many."""
    if not 2 <= len(runs) <= MOST_RUNS:
        raise TwinspikeError(f"{len(runs)} runs to compare: expected 2 to {MOST_RUNS}")
    named = told_apart(runs)
    figures, settings = figure_table(named), settings_table(named)
    lines = [
        (row[0], name, value)
        for row in (*figures, *settings)
        for name, value in zip(_names(named), row[1], strict=True)
    ]
    page = render(
        "compare.html.j2",
        names=_names(named),
        addresses=[_address(run, out) for run in named],
        figures=figures,
        settings=settings,
        curves=compared_curves({run.name: run.results.history for run in named}),
        notes=[f"{run.name}: {note}" for run in named for note in run.results.notes],
        csv=numbers.address(numbers.as_csv(lines, ("quantity", "run", "value"))),
    )
    with replacing_folder(out) as work:
        write_atomically(work / "index.html", page)
    return out / "index.html"


def figure_table(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """(quantity, its value in each run) of everything that any run has; "–" where one has it not."""
    tables = [dict(_rows(run.results)) for run in runs]
    quantities = list(dict.fromkeys(name for table in tables for name in table))
    return [(name, [table.get(name, "–") for table in tables]) for name in quantities]


def settings_table(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """The settings in which any run differs from the first, as (key, its value in each)."""
    tables = [_flat({k: v for k, v in run.config.table().items() if k != "name"}) for run in runs]
    keys = list(dict.fromkeys(key for table in tables for key in table))
    rows = [(key, [table.get(key, "–") for table in tables]) for key in keys]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _rows(results: Results) -> list[tuple[str, str]]:
    rows = summary_rows(results)
    metrics = results.metrics or {}
    for key, name, form in (
        ("accuracy", "accuracy", "{:.4f}"),
        ("macro_f1_knn", "macro-F1, 3 nearest embeddings", "{:.4f}"),
        ("synaptic_operations", "synaptic operations an image", "{:,.0f}"),
        ("train_seconds", "seconds of training", "{:,.0f}"),
        ("epochs", "epochs", "{:,}"),
    ):
        if key in metrics:
            rows.append((name, form.format(metrics[key])))
    return rows


def _names(runs: Sequence[Run]) -> list[str]:
    return [run.name for run in runs]


def _address(run: Run, out: Path) -> str:
    """Where the run's own report lies as the comparison sees it; "" if it was not written."""
    page = (run.build / "report" / "index.html").resolve()
    return Path(os.path.relpath(page, out.resolve())).as_posix() if page.is_file() else ""


def _flat(value: Any, key: str = "") -> dict[str, str]:
    """Settings by dotted keys, such as layers.0.neurons, as text."""
    items: Iterable[tuple[str, Any]]
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple) and any(isinstance(one, dict) for one in value):
        items = ((str(index), one) for index, one in enumerate(value))
    else:
        return {key: ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)}
    found: dict[str, str] = {}
    for name, one in items:
        found |= _flat(one, f"{key}.{name}" if key else str(name))
    return found
