"""The study: one thing varied at a time around a base configuration, every network measured alike.

A row is one trained network: {dataset, axis, value} beside its figures. Runs that several axes share
(the base itself) are trained once.
"""

import platform
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from twinspike.config import Config, load_config
from twinspike.executor import Executor, Store
from twinspike.model.data.shipped import load_dataset
from twinspike.model.outcome.baseline import raw_pixel_knn
from twinspike.numerics.extras import require
from twinspike.numerics.files import write_json
from twinspike.study.measure import measure
from twinspike.study.runs import Run, code_version, complete, run_for

BASE = "study"
# What each axis varies: value -> changes to the base. The first value of an axis is the base's own.
_ENCODINGS: dict[str, dict[str, dict[str, Any]]] = {
    "mnist": {
        "latency": {"threshold": 32},
        "threshold": {"threshold": 128},
        "rank-order": {"threshold": 32},
        "on-off": {"threshold": 32},
        "rate": {"peak": 50},
    },
    "fashion": {
        "latency": {"threshold": 8},
        "threshold": {"threshold": 64},
        "rank-order": {"threshold": 8},
        "on-off": {"threshold": 16},
        "rate": {"peak": 50},
    },
}
DATASETS = tuple(_ENCODINGS)
_AXES: dict[str, dict[str, dict[str, Any]]] = {
    "distance": {
        kind: {"training": {"distance": kind}}
        for kind in ("emd", "emd-normalised", "spike-count", "van-rossum")
    },
    "loss": {
        kind: {"training": {"loss": kind}} for kind in ("supervised-contrastive", "triplet", "contrastive")
    },
    "bits": {str(bits): {"layers": {"weight_bits": bits}} for bits in (4, 8, 3, 2, 1)},
    "neuron": {
        "subtract": {},
        "zero": {"layers": {"reset": "zero"}},
        "single spike": {"layers": {"single_spike": True}},
    },
}
AXES = ("encoding", *_AXES)
# The quick study: MNIST alone, and of each axis what the paper's claims and the plots need.
_QUICK = {
    "encoding": ("latency", "latency-dense", "rate", "threshold"),
    "distance": ("emd", "spike-count"),
    "loss": ("supervised-contrastive", "contrastive"),
    "bits": ("4", "2", "1"),
    "neuron": ("subtract", "single spike"),
}
DENSE = "-dense"


def grid(
    base: Config, *, quick: bool, datasets: Sequence[str] = DATASETS
) -> Iterator[tuple[dict[str, str], Config]]:
    """({dataset, axis, value}, configuration) of every row, in the order of the tables."""
    for dataset in DATASETS[:1] if quick else datasets:
        encodings = _ENCODINGS[dataset]
        start = {"dataset": dataset, "encoder": {"kind": "latency", **encodings["latency"]}}
        axes = {
            "encoding": {
                kind + twin: {"encoder": {"kind": kind + twin, **settings}}
                for kind, settings in encodings.items()
                for twin in ("", DENSE)
            },
            **_AXES,
        }
        for axis, values in axes.items():
            for value, changes in values.items():
                if not quick or value in _QUICK[axis]:
                    name = f"{dataset} {axis} {value}"
                    yield (
                        {"dataset": dataset, "axis": axis, "value": value},
                        base.changed(name, **(start | changes)),
                    )


def study(
    base: str,
    store: Store,
    results: Path,
    *,
    quick: bool,
    executor: Executor,
    datasets: Sequence[str] = DATASETS,
    progress: bool = True,
) -> Path:
    """Train and measure what is not measured yet, then write all rows into the file `results`.

    `base` names the configuration to vary, `store` keeps the runs. Raises TwinspikeError if
    interrupted; the next call goes on where this one stopped.
    """
    require("torch")
    rows = list(grid(load_config(base), quick=quick, datasets=datasets))
    baselines = {
        config.dataset: raw_pixel_knn(
            load_dataset(config.dataset, progress=progress).first(config.training.images), progress=progress
        )
        for config in {config.dataset: config for _, config in rows}.values()
    }
    runs = [run_for(config, store) for _, config in rows]
    complete(runs, measure, executor=executor, title="study", progress=progress)
    collected = [
        {**what, "encoder": run.config.encoder.table(), **(run.row or {})}
        for (what, _), run in zip(rows, runs, strict=True)
    ]
    made = provenance([config for _, config in rows], runs)
    base_table = load_config(base).table()
    write_json(results, {"rows": collected, "baseline_knn_macro_f1": baselines, "base": base_table, **made})
    return results


def provenance(configs: Iterable[Config], runs: Iterable[Run]) -> dict[str, Any]:
    """What the figures of several runs were made with: data, code, versions; and the CPU time they took."""
    from twinspike.quant.export import package_versions

    names = sorted({config.dataset for config in configs})
    seconds = {run.key: (run.row or {}).get("train_cpu_seconds", 0.0) for run in runs}
    return {
        "data_checksums": {name: load_dataset(name, progress=False).checksums for name in names},
        "code": code_version(),
        "versions": package_versions(),
        "machine": platform.machine(),
        "networks": len(seconds),
        "train_cpu_minutes": round(sum(seconds.values()) / 60, 1),
    }
