"""A network as a NIR graph whose parameters are its integers, for a re-import that is exact.

Each layer becomes Affine, or Conv2d, and LIF, with a step of 1e-4 s as NIR tools assume, in the one form that
snnTorch, Norse and SpikingJelly all load and step alike: tau = 2^k steps, r = 1, weights and biases times
2^k (exact) make u = (1 - 2^-k) v + I, and for k = 0 that of neurons that forget (which SpikingJelly does not
load); one without leak has a tau of 2^40 steps, because snnTorch's importer gives IF nodes a leak and the
others want another r there. Thresholds are threshold - 11/12, so that both `>` and `>=` mean "at least
threshold" for whole membranes. Importers want one threshold per layer: where a layer's differ, weights and
biases are divided by them and the threshold is 1. Those quotients are rounded to 64 bits, which adds up to
far less than what lies between a whole membrane and its threshold (twinspike/flow/export_check.py counts
it). NIR's maps are channel-first: the weights of a dense layer behind one are permuted, and a Flatten stands
before it. NIR has no place for the floor in the leak, the clamp, spike encodings and references: the graph's
metadata carries the network file's, and other tools run the real-valued neuron, which may differ by that
floor.
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
from .nir_channels import by_channel
from .scaling import BELOW
from .synapses.conv import Conv

COUNTS, LABELS, THRESHOLDS = "references_counts", "references_labels", "thresholds_"
# Steps of the time constant that stands for no leak, as a power of 2: 1 - 2^-40 is 1 in 32 bits.
ENDLESS = 40


def nir_graph(network: Network) -> nir.NIRGraph:
    """The network as a NIR graph; raises TwinspikeError naming what NIR cannot express."""
    check_plain(network.layers, "NIR", ("dense", "conv"))
    for index, layer in enumerate(network.layers):
        _check(layer, index)
    first = network.layers[0].synapses
    seen = _channel_first(first.map) if isinstance(first, Conv) else (network.inputs,)
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input({"input": np.array(seen)})}
    metadata: dict[str, Any] = {METADATA_KEY: network.metadata()}
    for index, layer in enumerate(network.layers):
        scale, threshold = scales(layer)
        gain = 2.0 ** _time_constant(layer) / scale
        if layer.kind == "dense" and len(seen) == 3:
            nodes[f"flatten{index}"] = nir.Flatten({"input": np.array(seen)}, start_dim=0)
        nodes[f"synapses{index}"] = _synapses(layer, gain, seen)
        nodes[f"neurons{index}"] = _neurons(layer, threshold)
        seen = _channel_first(layer.shape)
        if (scale != 1).any():
            metadata[f"{THRESHOLDS}{index}"] = layer.threshold
    nodes["output"] = nir.Output({"output": np.array(seen)})
    names = list(nodes)
    if len(network.references.labels):
        metadata |= {COUNTS: network.references.counts, LABELS: network.references.labels}
    # The nir package works shapes out for square kernels and one group only, and refuses others as mistakes.
    edges = list(itertools.pairwise(names))
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=metadata, type_check=False)


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


def _time_constant(layer: Layer) -> int:
    """Steps of the membranes' time constant, as a power of 2: one step keeps nothing."""
    return 0 if layer.spec.forget else layer.spec.leak_shift or ENDLESS


def scales(layer: Layer) -> tuple[np.ndarray, float]:
    """What each neuron's membrane is divided by in the graph, [channels], and the layer's threshold there."""
    real = layer.threshold - BELOW
    if (real == real[0]).all():
        return np.ones(layer.synapses.channels), float(real[0])
    return real, 1.0


def _channel_first(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A channel-last map (H, W, C) as NIR has it, [C, H, W]; other shapes as they are."""
    return (shape[2], *shape[:2]) if len(shape) == 3 else shape


def _synapses(layer: Layer, gain: np.ndarray, seen: tuple[int, ...]) -> nir.NIRNode:
    """The node of a layer's weights times `gain` [channels], behind a map of `seen` (channel-first)."""
    weight, bias = layer.weight * by_channel(gain, layer.weight), layer.bias * gain
    conv = layer.synapses
    if isinstance(conv, Conv):
        height, width, _ = conv.map
        return nir.Conv2d(
            (height, width), weight, conv.stride, conv.padding, conv.dilation, conv.groups, bias
        )
    if len(seen) == 3:
        channels, height, width = seen
        last = weight.reshape(-1, height, width, channels)
        weight = last.transpose(0, 3, 1, 2).reshape(len(weight), -1)
    return nir.Affine(weight=weight, bias=bias)


def _neurons(layer: Layer, threshold: float) -> nir.NIRNode:
    size = _channel_first(layer.shape)
    zero = np.zeros(size)
    return nir.LIF(
        tau=np.full(size, DIALECTS["nir"].dt * 2.0 ** _time_constant(layer)),
        r=np.ones(size),
        v_leak=zero,
        v_threshold=np.full(size, threshold),
        v_reset=zero,
    )
