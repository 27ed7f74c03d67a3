"""NIR's channel-first order as ours: [C, H, W] of shapes and of values becomes channel-last.

What a node has one of for every neuron of a map becomes one for each channel, which is all that a map has.
"""

import dataclasses
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from .nir_graph import Node
from .synapses.base import Synapses


def input_shape(graph: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Shape of what the graph takes, as its Input node has it (channel-first); None if it says nothing."""
    for entry in graph.get("nodes", {}).values():
        if isinstance(entry, Mapping) and entry.get("type") == "Input":
            shape = entry.get("shape")
            if shape is None and isinstance(kinds := entry.get("input_type"), Mapping):
                shape = next(iter(kinds.values()), None)
            if shape is None:
                return None
            try:
                return tuple(int(n) for n in np.asarray(shape).reshape(-1))
            except (TypeError, ValueError, OverflowError):
                return None
    return None


def channel_last(shape: tuple[int, ...] | None, first: Node) -> tuple[int, ...] | None:
    """A graph's input shape as the layers see it: (H, W, C) of images [C, H, W], else as it is.

    `first` is the node behind the input: a Conv1d sees [C, N], which becomes (1, N, C). A leading axis of
    size 1 before three others is a batch.
    """
    if shape is None or min(shape, default=0) < 1:
        return None
    if len(shape) == 4 and shape[0] == 1:
        shape = shape[1:]
    if first.type == "Conv1d" and len(shape) == 2:
        return (1, shape[1], shape[0])
    if len(shape) == 3:
        return (shape[1], shape[2], shape[0])
    return (*shape, 1) if len(shape) == 2 else (prod(shape),)


def by_channel(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """[channels] as a tensor that broadcasts along the first axis of `weight`."""
    return values.reshape(-1, *[1] * (weight.ndim - 1))


def channel_neurons(neurons: Node, synapses: Synapses) -> Node:
    """The node with one value a channel where it has one a neuron: a map's thresholds are a channel's.

    Raises TwinspikeError if they differ from place to place.
    """
    if synapses.channels == synapses.neurons:
        return neurons
    fields = dict(neurons.fields)
    for field, value in neurons.fields.items():
        if field not in ("type", "metadata", "input_type", "output_type") and np.size(value) > 1:
            fields[field] = channel_values(neurons, field, synapses)
    return dataclasses.replace(neurons, fields=fields)


def channel_values(node: Node, field: str, synapses: Synapses) -> np.ndarray:
    """A parameter of a layer's outputs as [channels]: given once, a channel, or a neuron [C, H, W]."""
    found, channels = node.array(field, finite=False).reshape(-1), synapses.channels
    if found.size in (1, channels):
        return np.broadcast_to(found, (channels,)).copy()
    if found.size != synapses.neurons:
        allowed = " or ".join(str(n) for n in dict.fromkeys((1, channels, synapses.neurons)))
        raise node.refuse(f"its {field} has {found.size} values, expected {allowed}")
    places = found.reshape(channels, -1)
    if not np.array_equal(places, np.repeat(places[:, :1], places.shape[1], axis=1), equal_nan=True):
        raise node.refuse(f"its {field} differs from place to place: a map has one for each channel")
    return places[:, 0]
