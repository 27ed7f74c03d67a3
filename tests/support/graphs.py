"""NIR graphs as plain dictionaries, and as files, for the tests."""

import itertools
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def affine(weight, bias=None) -> dict[str, Any]:
    weight = np.asarray(weight, float)
    return {
        "type": "Affine",
        "weight": weight,
        "bias": np.zeros(len(weight)) if bias is None else np.asarray(bias),
    }


def lif(count: int, **changes) -> dict[str, Any]:
    """By default decay 0.75 at the step of 1e-4 s, gain 1."""
    values = {"tau": 4e-4, "r": 4.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0} | changes
    return {
        "type": "LIF",
        **{k: np.broadcast_to(np.asarray(v, float), (count,)).copy() for k, v in values.items()},
    }


def graph(**nodes: dict[str, Any]) -> dict[str, Any]:
    """Input, the nodes in order, Output."""
    first = next(iter(nodes.values()))["weight"].shape[1]
    entries = {"input": {"type": "Input", "shape": np.array([first])}, **nodes, "output": {"type": "Output"}}
    names = list(entries)
    return {"nodes": entries, "edges": list(itertools.pairwise(names))}


def small_graph(rng: np.random.Generator, widths=(5, 4, 3), **neurons) -> dict[str, Any]:
    """Random layers whose neurons spike now and then."""
    nodes = {}
    for i, (inputs, count) in enumerate(itertools.pairwise(widths)):
        nodes[f"fc{i}"] = affine(rng.normal(0.1, 0.8, (count, inputs)), rng.normal(0, 0.1, count))
        nodes[f"lif{i}"] = lif(count, **neurons)
    return graph(**nodes)


def write(path: Path, graph: dict[str, Any]) -> Path:
    """The graph as nir.write lays it out."""

    def fill(group, entries):
        for name, value in entries.items():
            if isinstance(value, dict):
                fill(group.create_group(name), value)
            elif name == "edges":
                group.create_dataset(name, data=[list(pair) for pair in value], dtype=h5py.string_dtype())
            else:
                group.create_dataset(name, data=value)

    with h5py.File(path, "w") as file:
        file.create_dataset("version", data="1.0.8")
        fill(file.create_group("node"), {"type": "NIRGraph", **graph})
    return path
