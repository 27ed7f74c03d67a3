"""Layers of a case: styles of weights, thresholds and biases, and the kinds that work on maps."""

import dataclasses
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...quant.layer import INT32, Layer, relay
from ...quant.spec import NeuronSpec
from ...quant.synapses.base import Synapses
from ...quant.synapses.conv import Conv
from ...quant.synapses.delay import Delay
from ...quant.synapses.maps import as_map
from ...quant.synapses.pool import Pool
from ...quant.synapses.taps import Taps

WEIGHTS = ("uniform", "rails", "positive", "negative", "sparse")
THRESHOLDS = ("small", "one", "greatest", "state", "reachable")
BIASES = ("none", "small", "state", "greatest")
# Biases of a map may also be none above 0: then a place that nothing reached cannot fire.
MAP_BIASES = (*BIASES, "below", "below")


@dataclasses.dataclass(frozen=True)
class LayerCase:
    """One layer: its width and lanes, its NeuronSpec, and the styles of its tables.

    `neurons` is the width of a dense layer, the channels of one on maps. `keys` has the rest: a kind's
    geometry, and `sources`, `combine`, `weights_of` and `hold` where they differ from their defaults.
    """

    neurons: int
    lanes: int
    weight_bits: int
    leak_shift: int
    reset: str
    single_spike: bool
    state_bits: int
    weights: str
    thresholds: str
    biases: str
    kind: str = "dense"
    keys: dict[str, Any] = dataclasses.field(default_factory=dict)
    forget: bool = False

    @property
    def spec(self) -> NeuronSpec:
        names = {f.name for f in dataclasses.fields(NeuronSpec)} & {f.name for f in dataclasses.fields(self)}
        return NeuronSpec(**{name: getattr(self, name) for name in names})


def dense_layer(rng: np.random.Generator, shape: LayerCase, inputs: int) -> Layer:
    """A dense layer of the styles of `shape` behind so many inputs."""
    return _styled(rng, shape, (shape.neurons, inputs), inputs)


def _styled(rng: np.random.Generator, shape: LayerCase, size: tuple[int, ...], inputs: int, **rest) -> Layer:
    """A layer with weights of `size`, each output having so many inputs at most."""
    spec = shape.spec
    limit, top = spec.weight_limit, (1 << (spec.state_bits - 1)) - 1
    weight = rng.integers(-limit, limit + 1, size)
    match shape.weights:
        case "rails":
            weight = rng.choice([-limit, limit], size=size)
        case "positive" | "negative":
            weight = np.full(size, limit if shape.weights == "positive" else -limit)
        case "sparse":
            weight = np.where(rng.random(size) < 0.05, weight, 0)
    if spec.weight_bits == 1:
        weight = np.where(weight > 0, 1, -1)
    high = {
        "small": 2 * limit + 1,
        "one": 1,
        "greatest": INT32.max,
        "state": top + 2,
        "reachable": max(1, limit * inputs // 4),
    }[shape.thresholds]
    threshold = rng.integers(1, min(high, INT32.max) + 1, shape.neurons)
    if shape.thresholds in ("greatest", "state"):
        threshold = np.where(rng.random(shape.neurons) < 0.5, high, threshold)
    reach = {"none": 0, "small": limit, "state": top, "greatest": INT32.max, "below": limit}[shape.biases]
    bias = rng.integers(-reach, 1 if shape.biases == "below" else reach + 1, shape.neurons)
    if shape.biases == "greatest":
        bias = rng.choice([INT32.min, INT32.max, 0], size=shape.neurons)
    threshold = np.clip(threshold, 1, INT32.max).astype(np.int32)
    return Layer(spec, weight.astype(np.int8), bias.astype(np.int32), threshold, **rest)


# Keys of a case that are those of the layer.
_GIVEN = ("combine", "weights_of", "hold")


def map_layers(rng: np.random.Generator, shape: tuple[int, ...], cases: Sequence[LayerCase]) -> list[Layer]:
    """The layers behind an input map of `shape`, each behind its sources."""
    layers: list[Layer] = []
    for index, case in enumerate(cases):
        source = case.keys.get("sources", (index - 1,))[0]
        layer = _map_layer(rng, case, shape if source < 0 else layers[source].shape)
        given: dict[str, Any] = {key: case.keys[key] for key in _GIVEN if key in case.keys}
        if "weights_of" in given:
            given["weight"] = layers[given["weights_of"]].weight
        if "sources" in case.keys:
            given["sources"] = tuple(case.keys["sources"])
        layers.append(dataclasses.replace(layer, **given))
    return layers


def _map_layer(rng: np.random.Generator, case: LayerCase, shape: tuple[int, ...]) -> Layer:
    """A layer of any kind that sees a map of `shape`."""
    if case.kind == "dense":
        return dense_layer(rng, case, prod(shape))
    map, keys, filters = as_map(shape, "layer"), case.keys, case.neurons
    if case.kind == "pool":
        return relay(Pool.over(map, tuple(keys["window"]), keys["mode"]))
    if case.kind == "delay":
        delay = rng.integers(0, keys["longest"] + 1, (prod(map), keys["taps"]))
        return relay(Delay.over(shape, delay.astype(np.uint8)))
    groups, stride = keys["groups"], tuple(keys["stride"])
    if case.kind == "taps":
        offset = rng.integers(-keys["span"], keys["span"] + 1, (map[2], keys["taps"], 2)).astype(np.int8)
        places: tuple[int, ...] = (keys["taps"],)
        synapses: Synapses = Taps.over(map, filters, offset, stride, groups)
    else:
        places = tuple(keys["kernel"])
        padding, dilation = tuple(keys["padding"]), tuple(keys["dilation"])
        synapses = Conv.over(map, filters, (places[0], places[1]), stride, padding, dilation, groups)
    size = (filters, map[2] // groups, *places)
    return _styled(rng, case, size, prod(size[1:]), synapses=synapses)
