"""The kinds of files that users hand in or that are read back: a sound one of each, and its loader."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from hostile import IdxFile, JsonFile, PlainFile, SafetensorsFile, TomlFile
from support.idx_files import idx
from support.networks import random_network

from twinspike.config import load_config
from twinspike.flow.record import write_record
from twinspike.flow.results import read_results
from twinspike.model.data.idx import read_idx
from twinspike.model.network.network import SpikingNetwork
from twinspike.model.rules.base import Means, Rule, make_rule
from twinspike.model.rules.ranks import Ranks
from twinspike.model.training.checkpoint import (
    KEY,
    Progress,
    load_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from twinspike.quant.network import METADATA_KEY
from twinspike.quant.network_file import load_network
from twinspike.quant.nir_export import export_nir
from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_import import reimport
from twinspike.reports.summary import summary_rows

TOML = """\
dataset = "digits"
seed = 3
timesteps = 4
[encoder]
kind = "latency"
threshold = 32
[[layers]]
neurons = 6
weight_bits = 4
leak_shift = 3
reset = "zero"
single_spike = true
state_bits = 8
[[layers]]
neurons = 3
[training]
epochs = 2
batch_size = 20
learning_rate = 0.02
[hardware]
lanes = [2, 1]
"""


def kinds(folder: Path) -> dict[str, tuple[Path, Any, Any]]:
    """Kind -> (path of the damaged file, source of damaged bytes, loader of that path)."""
    found = {}
    network = random_network(2, timesteps=4, shape=(2, 3), widths=(4, 3))

    def load(path: Path) -> None:
        made = load_network(path)
        # What was let through is whole: it can be written, and read again, as the same network.
        again = folder / "again.safetensors"
        made.save(again)
        assert load_network(again).content_hash == made.content_hash

    source = SafetensorsFile(network.to_bytes(), METADATA_KEY)
    found["network"] = (folder / "network.safetensors", source, load)
    found["checkpoint"] = _checkpoint(folder)
    images = np.arange(40, dtype=np.uint8).reshape(2, 4, 5)
    found["idx images"] = (folder / "images.gz", IdxFile(_gzip(idx(images))), lambda path: read_idx(path, 3))
    found["idx labels"] = (
        folder / "labels.gz",
        IdxFile(_gzip(idx(images[:, 0, 0]))),
        lambda path: read_idx(path, 1),
    )
    found["toml"] = (folder / "c.toml", TomlFile(TOML), lambda path: load_config(str(path)).table())
    nir = folder / "network.nir"
    zero = random_network(2, timesteps=4, shape=(2, 3), widths=(4, 3), reset="zero")
    export_nir(zero, nir)
    found["nir"] = (nir, PlainFile(nir.read_bytes()), lambda path: reimport(read_graph(path)))
    for name, path, text in _results(folder / "build", network):
        found[name] = (path, JsonFile(text, lines=name == "train.jsonl"), _read_back(path, text))
    return found


def _gzip(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data, mtime=0)


def _checkpoint(folder: Path) -> tuple[Path, Any, Any]:
    settings = load_config("digits").changed("tiny", timesteps=2, layers={"neurons": 2})
    network = SpikingNetwork(settings, (3,))
    path, config = folder / "checkpoint.safetensors", {"seed": 1, "training": {"epochs": 2}}

    def fresh() -> tuple[SpikingNetwork, Rule]:
        return network, make_rule(network, Means(settings.training, Ranks()))

    _, rule = fresh()
    rule.prime()
    row = {"epoch": 1, "loss": 0.5, "hidden_spikes": 0.1, "output_spikes": 0.2}
    progress = Progress(1, 3, 1.5, 1.0, {"loss": 2.0}, [row])
    save_checkpoint(path, network, rule, progress, config)
    source = SafetensorsFile(path.read_bytes(), KEY)
    return path, source, lambda path: load_checkpoint(read_checkpoint(path), path, *fresh(), config)


def _results(build: Path, network) -> list[tuple[str, Path, str]]:
    """The files that a finished flow leaves, and whose figures are shown again."""
    provenance = {"config": {}, "seed": 1, "data_checksums": {"x": "y"}, "versions": {"torch": "2"}}
    made = random_network(2, timesteps=4, shape=(2, 3), widths=(4, 3)).__class__(
        **{**vars(network), "provenance": provenance}
    )
    made.save(build / "network.safetensors")
    origin = {"network_hash": made.content_hash}
    metrics = {
        "macro_f1": 0.9,
        "macro_f1_knn": 0.9,
        "accuracy": 0.9,
        "baseline_knn_macro_f1": 0.8,
        "hidden_activity": 0.1,
        "spikes_per_image": {"input": 3.0, "hidden": 2.5, "output": 1.5},
        "synaptic_operations": 123.0,
        "verification": {"roc_auc": 0.9, "eer": 0.1},
        "test_images": 60,
        "confusion": [[5, 1], [2, 6]],
        "train_seconds": 1.5,
        "epochs": 2,
        **origin,
    }
    spread = {"min": 1, "median": 2.0, "max": 3, "values": [1, 2, 3]}
    run = {
        "run": "alone",
        "target": "generic",
        "simulator": "verilator",
        "frames": 4,
        "stalls": False,
        "isolated": True,
        "spikes_compared": 100,
        "results_compared": 4,
        "mismatches": 0,
        "faults": [],
        "cycles": {"latency": spread, "interval": spread},
        "cycles_predicted_equal": True,
    }
    synth = {
        "device": "up5k",
        "logic_cells": 2640,
        "logic_cells_available": 5280,
        "flipflops": 10,
        "flipflops_available": 5280,
        "ram_blocks": 2,
        "ram_blocks_available": 30,
        "spram": 0,
        "spram_available": 4,
        "dsp": 0,
        "dsp_available": 8,
        "fmax_mhz": [40.0, 42.0],
        "seeds": [1, 2],
        "fmax_min_mhz": 40.0,
        "fmax_median_mhz": 41.0,
        "fmax_max_mhz": 42.0,
        "yosys_seconds": 9.0,
        "nextpnr_seconds": [20.0, 21.0],
        "tools": {"yosys": "0.70"},
        "provenance": origin,
    }
    row = {"epoch": 1, "loss": 0.5, "hidden_spikes": 0.1, "output_spikes": 0.2}
    files = [
        ("metrics.json", build / "metrics.json", json.dumps(metrics)),
        (
            "train.jsonl",
            build / "train.jsonl",
            json.dumps(row) + "\n" + json.dumps({**row, "epoch": 2}) + "\n",
        ),
        ("sim.json", build / "sim.json", json.dumps({"runs": [run], **origin})),
        ("synth.json", build / "up5k" / "synth" / "synth.json", json.dumps(synth)),
    ]
    for _, path, text in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return files


def _read_back(path: Path, sound: str):
    build = next(parent for parent in path.parents if parent.name == "build")
    config = load_config("digits")

    def load(damaged: Path) -> None:
        try:
            results = read_results(build)
            summary_rows(results)
            write_record(build, config, build.parent / "results")
        finally:
            damaged.write_text(sound)

    return load
