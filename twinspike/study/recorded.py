"""The networks for recordings that ship: events, sound and packets, beside what they are to beat."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinspike.config import Config, config_from_table, load_config
from twinspike.flow.folders import GENERIC, Folders, pretrained
from twinspike.flow.plans import make_plan_for
from twinspike.flow.record import synthesis
from twinspike.flow.results import read_results
from twinspike.hw.predict.area import logic_cells
from twinspike.hw.predict.placement import ram_blocks
from twinspike.model.data.recorded import RECORDED
from twinspike.numerics.files import write_json
from twinspike.quant.network_file import load_network
from twinspike.quant.sizes import sizes

from .measure import image_cycles, own_distance
from .plain import plain_scores

# The least mean macro-F1 over seeds or splits, or the least accuracy where a class has few samples to
# measure; and the largest share of hidden neurons that may fire.
WANTED: dict[str, dict[str, float]] = {
    "nmnist": {"macro_f1": 0.93},
    "keywords": {"macro_f1": 0.90, "hidden_activity": 0.10},
    "traffic-sites": {"accuracy": 0.80},
    "traffic-devices": {"accuracy": 0.92},
    "digits-spoken": {"macro_f1": 0.85},
}
SEEDS = (1, 2, 3, 4, 5)
# Test samples whose clocks are predicted.
TIMED = 100
# Delays of a layer of taps that is put before the last layer, in steps.
TAPS, REACH = 4, 8
_FIGURES = ("macro_f1", "accuracy", "hidden_activity", "train_cpu_seconds")
_CORE = ("latency", "logic_cells", "ram_blocks")
_PLACED = (
    *("device", "seeds", "fmax_mhz", "fmax_min_mhz", "fmax_median_mhz", "fmax_max_mhz"),
    *("logic_cells", "logic_cells_available", "ram_blocks", "ram_blocks_available"),
    *("latency_us", "interval_us"),
)


def with_delays(config: Config) -> Config:
    """The configuration with learnt delays before its last layer."""
    table = json.loads(json.dumps(config.table()))
    table["layers"].insert(-1, {"kind": "delay", "taps": TAPS, "reach": REACH})
    return config_from_table(table.pop("name"), table)


def by_counts(config: Config) -> Config:
    """The configuration trained, and its answers compared, by the number of spikes alone."""
    return config.changed(config.name, training={"distance": "spike-count"})


def by_membranes(config: Config) -> Config:
    """The configuration with an output neuron a class, whose membranes answer."""
    from twinspike.model.data.load import config_dataset

    table = json.loads(json.dumps(config.table()))
    table["layers"][-1] |= {"neurons": config_dataset(config, progress=False).classes, "state_bits": 24}
    return config_from_table(table.pop("name"), {**table, "readout": "membrane"})


VARIANTS: dict[str, Callable[[Config], Config]] = {
    "delays before the last layer": with_delays,
    "spike counts in place of EMD": by_counts,
    "membranes in place of EMD": by_membranes,
}


def recorded(
    names: Sequence[str],
    build: Path,
    results: Path,
    *,
    seeds: Sequence[int] = SEEDS,
    variants: Sequence[str] = tuple(VARIANTS),
    say: Callable[[str], None] = print,
) -> None:
    """Measure the named networks, their variants and the plain classifiers into the file `results`.

    The network that ships serves for its own seed and split; others are trained into `build`, and those
    that are there already are not trained again. What the configuration's own folder beside `build` says of
    its simulation, and of its core placed and routed, goes in too. What is not named, or not asked for, stays
    in the file, as the plain classifiers do until another network ships.
    """
    before = json.loads(results.read_text(encoding="utf-8")) if results.is_file() else {"networks": []}
    rows = {row["config"]: row for row in before["networks"]}
    for name in names:
        config = load_config(name)
        row = rows.setdefault(name, {"config": name, "runs": [], "variants": []})
        own = shipped(config)
        row |= {"wanted": WANTED[name], "dataset": config.dataset}
        if own["hash"] != row.get("hash") or "plain" not in row:
            row |= {"plain": _plain(config), "variants": []}
        row |= {"shape": own["shape"], "timesteps": config.timesteps, "test": own["test"]}
        row["core"] = {key: own[key] for key in ("target", "latency", "logic_cells", "ram_blocks")}
        row["sim"] = simulated(build.parent / name, own["hash"]) or (
            row.get("sim", []) if own["hash"] == row.get("hash") else []
        )
        row["placed"] = placed(build.parent / name, own) or (
            row.get("placed") if own["hash"] == row.get("hash") else None
        )
        kept = {(run["seed"], run["fold"]): run for run in row["runs"] if own["hash"] == row.get("hash")}
        row["hash"] = own["hash"]
        for other in _same_recipe(config, seeds):
            key = (other.seed, other.data.fold)
            found = kept.get(key) or (own if other == config else trained(other, build, "run"))
            kept[key] = {
                **{"seed": key[0], "fold": key[1], "shipped": other == config},
                **{figure: found[figure] for figure in _FIGURES},
            }
            row["runs"] = [kept[key] for key in sorted(kept)]
            _write(results, rows)
            both = f"macro-F1 {found['macro_f1']:.4f}, accuracy {found['accuracy']:.4f}"
            say(f"{name}: seed {key[0]}, split {key[1]}: {both}")
        for what in variants:
            found = trained(VARIANTS[what](config), build, what.split()[0])
            others = [one for one in row["variants"] if one["what"] != what]
            row["variants"] = [*others, {"what": what, **{k: found[k] for k in (*_FIGURES, *_CORE)}}]
            _write(results, rows)
            say(f"{name}, {what}: macro-F1 {found['macro_f1']:.4f}")


def _write(results: Path, rows: dict[str, dict[str, Any]]) -> None:
    write_json(results, {"networks": [rows[name] for name in WANTED if name in rows]})


def _same_recipe(config: Config, seeds: Sequence[int]) -> list[Config]:
    """A configuration's seeds; or its splits, where its dataset has several."""
    folds = RECORDED[config.dataset].folds
    if folds > 1:
        return [config, *(config.changed(config.name, data={"fold": fold}) for fold in range(folds))]
    return [config, *(config.changed(config.name, seed=seed) for seed in seeds)]


def _plain(config: Config) -> list[dict[str, Any]]:
    """The plain classifiers' figures, as means over the splits that a dataset has."""
    folds = range(RECORDED[config.dataset].folds)
    found = [plain_scores(config.changed(config.name, data={"fold": fold})) for fold in folds]
    return [
        {
            "what": each[0]["what"],
            **{key: float(np.mean([one[key] for one in each])) for key in ("macro_f1", "accuracy")},
        }
        for each in zip(*found, strict=True)
    ]


def simulated(folder: Path, network_hash: str) -> list[dict[str, Any]]:
    """What `sim` has compared for the network of that hash; nothing for another one."""
    path = Folders(folder).sim_report(GENERIC)
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if found.get("network_hash") != network_hash:
        return []
    kept = ("run", "frames", "spikes_compared", "mismatches", "cycles_predicted_equal")
    return [{key: run.get(key) for key in kept} for run in found["runs"]]


def placed(folder: Path, own: dict[str, Any]) -> dict[str, Any] | None:
    """What `synth` has found for the network of figures `own`, its time a sample; nothing for another one."""
    if not Folders(folder).network.is_file():
        return None
    results = read_results(folder)
    target = own["target"]
    made_from = results.synths.get(target, {}).get("provenance", {}).get("network_hash")
    if made_from != own["hash"]:
        return None
    found = synthesis(results, target)
    return {key: found[key] for key in _PLACED if key in found}


def shipped(config: Config) -> dict[str, Any]:
    """Figures of the network that ships for a configuration."""
    folder = pretrained(config)
    assert folder is not None, f"no network ships for {config.name}"
    return _measured(config, folder)


def trained(config: Config, build: Path, what: str) -> dict[str, Any]:
    """Figures of a network that is trained into a folder below `build`, unless it is there.

    A training that was begun goes on; one of other settings is left aside, in a folder beside it.
    """
    from twinspike.model.training.training import METRICS_FILE, train

    folder = build / f"{config.name}-{what}-{config.seed}-{config.data.fold}"
    metrics = folder / METRICS_FILE
    done = metrics.is_file()
    if done and not config.trains_as(json.loads(metrics.read_text(encoding="utf-8"))["config"]):
        done = False
        _leave_aside(folder)
    elif not done and not _may_go_on(config, folder):
        _leave_aside(folder)
    if not done:
        train(config, folder, resume=True)
    return _measured(config, folder)


def _may_go_on(config: Config, folder: Path) -> bool:
    """Whether a training in `folder` that has no figures yet is one of that configuration, or none."""
    from twinspike.model.outcome.results import weights_table
    from twinspike.model.training.checkpoint import config_of_checkpoint
    from twinspike.model.training.training import CHECKPOINT_FILE

    path = folder / CHECKPOINT_FILE
    return not path.is_file() or config_of_checkpoint(path) == weights_table(config)


def _leave_aside(folder: Path) -> None:
    """Give a folder the first name with a number behind it that is free."""
    names = (folder.with_name(f"{folder.name}-before-{number}") for number in itertools.count(1))
    folder.rename(next(name for name in names if not name.exists()))


def _measured(config: Config, folder: Path) -> dict[str, Any]:
    from twinspike.model.data.load import config_dataset

    network = load_network(folder / "network.safetensors")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    dataset = config_dataset(config, progress=False)
    target = config.hardware.targets[0]
    plan = make_plan_for(config, network, target)
    found = {
        "hash": network.content_hash,
        "shape": sizes(network),
        "test": len(dataset.test_labels),
        "target": target,
        "latency": image_cycles(network, dataset.test_images[:TIMED], config.hardware.lanes)["latency"],
        "logic_cells": logic_cells(plan),
        "ram_blocks": ram_blocks(plan),
        **{key: metrics[key] for key in _FIGURES},
    }
    # What was trained by another distance is compared by it.
    own = own_distance(config, network, dataset)
    return found | ({"macro_f1": own["macro_f1_own_distance"]} if own else {})
