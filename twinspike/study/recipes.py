"""The shipped recipes over several seeds: mean and spread of what each promises."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twinspike.config import Config, load_config
from twinspike.executor import Executor, Store
from twinspike.flow.folders import pretrained
from twinspike.numerics.files import write_json
from twinspike.quant.spec import LayerSettings
from twinspike.quant.synapses.kinds import KINDS
from twinspike.study.measure import measure
from twinspike.study.runs import complete, run_for
from twinspike.study.study import provenance

# Least macro-F1 of the integer network with one reference per class on all test images, and the
# largest share of hidden neurons that may fire an image, as means over seeds.
WANTED: dict[str, dict[str, float]] = {
    "mnist": {"macro_f1": 0.985, "hidden_activity": 0.10},
    "mnist-quick": {"macro_f1": 0.985, "hidden_activity": 0.10},
    "mnist-max": {"macro_f1": 0.990, "hidden_activity": 0.10},
    "mnist-max-wide": {"macro_f1": 0.990, "hidden_activity": 0.10},
    "mnist-fast": {"macro_f1": 0.981},
    "mnist-wide": {"macro_f1": 0.985},
    "mnist-wide-quick": {"macro_f1": 0.985},
    "mnist-small": {"macro_f1": 0.972},
    "mnist-ternary": {"macro_f1": 0.984},
    "mnist-binary": {"macro_f1": 0.975},
    "mnist-binary-ttfs": {"macro_f1": 0.970},
    "mnist-conv": {"macro_f1": 0.990},
    "mnist-conv-wide": {"macro_f1": 0.988},
    "mnist-conv-max": {"macro_f1": 0.993},
    "fashion-conv": {"macro_f1": 0.905},
    "fashion": {"macro_f1": 0.890, "hidden_activity": 0.20},
}
SEEDS = (1, 2, 3)
_FIGURES = ("macro_f1", "hidden_activity", "train_cpu_seconds")


def recipes(
    names: Sequence[str],
    store: Store,
    results: Path,
    *,
    seeds: Sequence[int] = SEEDS,
    executor: Executor,
    progress: bool = True,
) -> Path:
    """Train the named recipes with every seed and write their figures into the file `results`.

    The network that ships for a recipe serves for its own seed. Rows of recipes that are not
    named stay, and `store` keeps the runs. Raises TwinspikeError if interrupted; the next call goes on where
    this one stopped.
    """
    configs = {(name, seed): load_config(name).changed(name, seed=seed) for name in names for seed in seeds}
    shipped = {key: row for key, config in configs.items() if (row := _shipped(config))}
    runs = {key: run_for(config, store) for key, config in configs.items() if key not in shipped}
    complete(list(runs.values()), measure, executor=executor, title="recipes", progress=progress)
    figures = {**shipped, **{key: run.row or {} for key, run in runs.items()}}
    before = json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {"rows": []}
    rows = {row["config"]: row for row in before["rows"]}
    for name in names:
        mine = [figures[name, seed] for seed in seeds if "error" not in figures[name, seed]]
        rows[name] = _row(load_config(name), seeds, mine)
    ordered = [rows[name] for name in WANTED if name in rows]
    write_json(results, {"rows": ordered, **provenance(configs.values(), runs.values())})
    return results


def _row(config: Config, seeds: Sequence[int], figures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "config": config.name,
        "wanted": WANTED[config.name],
        "seeds": list(seeds),
        "timesteps": config.timesteps,
        "shape": [_size(layer) for layer in config.layers],
        "weight_bits": max(x.weight_bits for x in config.layers if KINDS[x.kind].fires),
        **{key: [row[key] for row in figures] for key in _FIGURES},
    }


def _size(layer: LayerSettings) -> int | str:
    """A layer in a word: neurons of a dense one, "conv 16" of one on a map, by its channels; "pool"."""
    if layer.kind == "dense":
        return layer.neurons
    return f"{layer.kind} {layer.width}" if layer.width else layer.kind


def _shipped(config: Config) -> dict[str, Any] | None:
    """Metrics of the network that ships for a recipe, if it was trained with this seed and these settings."""
    folder = pretrained(config)
    if folder is None:
        return None
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return metrics if config.trains_as(metrics["config"]) else None
