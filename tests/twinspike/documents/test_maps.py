"""Convolutional networks beside dense ones: the table of docs/howto/convolutions.md."""

from pathlib import Path

from twinspike.documents.maps import PAIRS, maps
from twinspike.documents.tables import Figures
from twinspike.quant.network_file import load_network

ROOT = Path(__file__).parents[3]


def _build(name: str, latency: float) -> dict:
    return {
        "config": name,
        "network": [784, 8],
        "f1": 0.9,
        "device": "up5k",
        "latency_us": latency,
        "interval_us": latency,
        "logic_cells": 2_000,
        "ram_blocks": 9,
    }


def test_each_network_stands_beside_a_dense_one_with_its_own_weights_and_its_fastest_build():
    conv, dense = PAIRS[0]
    rows = [_build(dense, 20.0), _build(conv, 90.0), _build(conv, 70.0), _build("digits", 1.0)]
    recipe = {"config": dense, "seeds": [1, 2], "macro_f1": [0.9, 0.8], "hidden_activity": [0.5, 0.25]}
    text = maps(Figures({}, {}, {"hardware": {"rows": rows}, "recipes": {"rows": [recipe]}}), "here")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in lines] == [conv, dense]
    assert "| 70.00 |" in lines[0] and "90.00" not in text and "0.9000, one seed" in lines[0]
    network = load_network(ROOT / "pretrained" / dense / "network.safetensors")
    hidden = sum(layer.neurons for layer in network.layers[:-1])
    weights = sum(layer.weight.size for layer in network.layers)
    assert f"| {weights:,} |" in lines[1] and f"| {0.375 * hidden:,.0f} |" in lines[1]
    assert "0.8500 of 2" in lines[1]
