"""A network as a NIR graph whose parameters are its integers, for a re-import that is exact.

Each layer becomes Affine and LIF (IF without a leak), with a step of 1e-4 s as NIR tools assume:
tau = 2^k steps and r = 2^k give u = (1 - 2^-k) v + I. Thresholds are written as threshold - 1/2, so
that both `>` and `>=` mean "at least threshold" for whole membranes. NIR has no place for the
floor in the leak, the clamp, spike codings and references: the graph's metadata carries the
network file's, and other tools run the real-valued neuron, which may differ by that floor.
"""

import io
import itertools
from pathlib import Path
from typing import Any

import nir
import numpy as np

from ..numerics.errors import TwinspikeError
from ..numerics.files import write_atomically
from .dialects import DIALECTS
from .layer import Layer, check_plain
from .network import METADATA_KEY, Network

COUNTS, LABELS = "references_counts", "references_labels"


def nir_graph(network: Network) -> nir.NIRGraph:
    """The network as a NIR graph; raises TwinspikeError naming what NIR cannot express."""
    check_plain(network.layers, "NIR")
    for index, layer in enumerate(network.layers):
        _check(layer, index)
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input({"input": np.array([network.inputs])})}
    for index, layer in enumerate(network.layers):
        nodes[f"synapses{index}"] = nir.Affine(
            weight=layer.weight.astype(np.float64), bias=layer.bias.astype(np.float64)
        )
        nodes[f"neurons{index}"] = _neurons(layer)
    nodes["output"] = nir.Output({"output": np.array([network.outputs])})
    names = list(nodes)
    metadata: dict[str, Any] = {METADATA_KEY: network.metadata()}
    if len(network.references.labels):
        metadata |= {COUNTS: network.references.counts, LABELS: network.references.labels}
    return nir.NIRGraph(nodes=nodes, edges=list(itertools.pairwise(names)), metadata=metadata)


def export_nir(network: Network, path: Path) -> None:
    """Write the network's NIR graph to `path`, atomically. Raises TwinspikeError; see `nir_graph`."""
    buffer = io.BytesIO()
    nir.write(buffer, nir_graph(network))
    write_atomically(path, buffer.getvalue())


def _check(layer: Layer, index: int) -> None:
    where = f"layers.{index}"
    if layer.spec.reset == "subtract":
        raise TwinspikeError(
            f'{where}.reset = "subtract" cannot be written as NIR, whose neurons reset to v_reset: '
            'train with reset = "zero"'
        )
    if layer.spec.single_spike:
        raise TwinspikeError(
            f"{where}.single_spike = true cannot be written as NIR, which has nothing like it: train without"
        )


def _neurons(layer: Layer) -> nir.NIRNode:
    dt, size, k = DIALECTS["nir"].dt, layer.neurons, layer.spec.leak_shift
    threshold, zero = layer.threshold - 0.5, np.zeros(size)
    if k == 0:
        return nir.IF(r=np.full(size, 1 / dt), v_threshold=threshold, v_reset=zero)
    return nir.LIF(
        tau=np.full(size, dt * 2.0**k),
        r=np.full(size, 2.0**k),
        v_leak=zero,
        v_threshold=threshold,
        v_reset=zero,
    )
