"""Further networks for one core on maps: other weights of which every width, table and memory is as large.

A core's Verilog follows from the least and most sums of its neurons, from the background of its channels and
from the shapes of its tables. None of them changes when the filters of a group change places, with their
thresholds and biases, nor when a filter's weights move from input channel to input channel of its group,
for every place of the map sees the same parts of the kernel in all of them.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ...quant.layer import Layer
from ...quant.network import Network
from .layers import LayerCase

if TYPE_CHECKING:
    from .case import Case


def moved_layers(rng: np.random.Generator, network: Network, case: "Case") -> list[Layer]:
    """The layers of `network`, those whose weights are their own alone with the weights moved."""
    shared = {layer.weights_of for layer in network.layers} - {None}
    wide = bool(case.options.get("events_per_clock"))
    return [
        layer
        if not layer.synapses.fires or layer.weights_of is not None or index in shared
        else _moved(rng, layer, one, filters=not wide and one.lanes < one.neurons)
        for index, (layer, one) in enumerate(zip(network.layers, case.layers, strict=True))
    ]


def _moved(rng: np.random.Generator, layer: Layer, case: LayerCase, *, filters: bool) -> Layer:
    """`layer` with weights moved; not `filters`: its thresholds lie in logic, so filters stay in place."""
    weight = layer.weight
    if layer.kind in ("dense", "conv"):
        # Not of taps: each input channel has its own places there.
        weight = rng.permuted(weight, axis=1)
    order = np.arange(len(weight))
    if filters:
        groups = case.keys.get("groups", 1)
        order = rng.permuted(order.reshape(groups, -1), axis=1).reshape(-1)
    return dataclasses.replace(
        layer, weight=weight[order], bias=layer.bias[order], threshold=layer.threshold[order]
    )


def tables(network: Network) -> bytes:
    """What tells the network from the others of its core, but for its references."""
    return b"".join(
        part.tobytes() for layer in network.layers for part in (layer.weight, layer.bias, layer.threshold)
    )
