"""The numbers behind the report as one table of text: a line a number, in a form that any program reads."""

import base64
import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from twinspike.flow.results import Results

from .layers import LayerRow

HEADER = ("table", "row", "quantity", "value")
_LAYER = (
    "kind",
    "size",
    "neurons",
    "weights",
    "spikes",
    "operations",
    "clocks",
    "lanes",
    "weight_bits",
    "state_bits",
)


def rows(results: Results, layers: Iterable[LayerRow] = ()) -> list[tuple[str, str, str, Any]]:
    """(table, row, quantity, value) of every figure that the steps have measured."""
    found = [("metrics", "", key, value) for key, value in _flat(results.metrics or {})]
    for layer in layers:
        found += [
            ("layers", layer.name, key, getattr(layer, key))
            for key in _LAYER
            if getattr(layer, key) is not None
        ]
    for line in results.history:
        found += [("training", f"epoch {line['epoch']}", key, x) for key, x in line.items() if key != "epoch"]
    for run in results.runs:
        name = f"{run.get('target', '')} {run['run']}".strip()
        found += [
            ("simulation", name, key, value) for key, value in _flat(run) if key not in ("run", "target")
        ]
    for target, synth in results.synths.items():
        found += [("synthesis", target, key, value) for key, value in _flat(synth)]
    return found


def as_csv(lines: Iterable[tuple[Any, ...]], header: tuple[str, ...] = HEADER) -> str:
    """The lines as comma-separated values."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


def address(text: str) -> str:
    """The address of a text inside the page, for a link that downloads it."""
    return "data:text/csv;base64," + base64.b64encode(text.encode()).decode()


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Numbers, texts and lists of them, by dotted keys; settings and origins are on the page as they are."""
    for key, value in table.items():
        if key in ("config", "provenance", "versions", "data_checksums"):
            continue
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list):
            for index, one in enumerate(value):
                if isinstance(one, Mapping):
                    yield from _flat(one, f"{name}.{index}.")
                elif isinstance(one, list):
                    yield from ((f"{name}.{index}.{at}", x) for at, x in enumerate(one))
                else:
                    yield f"{name}.{index}", one
        elif value is not None:
            yield name, value
