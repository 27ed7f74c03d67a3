"""Small random networks of convolutions with a dense layer behind them, as cores are tested with."""

import dataclasses

import numpy as np
from support.maps import random_conv
from support.networks import random_layer, random_references

from twinspike.numerics.encodings import Graded, Latency
from twinspike.quant.network import Network
from twinspike.quant.spec import NeuronSpec


def conv_layer(rng, shape, channels, kernel, *, keys=None, biases="any", thresholds=None, **spec):
    """A convolution over a map of `shape`; `keys` are its geometry.

    `biases`: of "any" sign, "low" or "none"; "steady": of any sign, but with thresholds that they never reach
    by themselves, which needs a leak. `thresholds`: that of every channel, if given.
    """
    layer = random_conv(rng, shape, channels, kernel, spec=NeuronSpec(**spec), **(keys or {}))
    if thresholds is not None:
        layer = dataclasses.replace(layer, threshold=np.full_like(layer.threshold, thresholds))
    bias = {"any": layer.bias, "low": np.minimum(layer.bias, 0), "none": 0 * layer.bias}
    if biases != "steady":
        return dataclasses.replace(layer, bias=bias[biases])
    most = np.maximum(layer.bias, 0) << layer.spec.leak_shift
    return dataclasses.replace(layer, threshold=(layer.threshold + most).astype(np.int32))


def held_network(seed=5, shape=(4, 5, 1), timesteps=4) -> Network:
    """A small network of a convolution behind an image's brightness, which it holds, that spikes often."""
    spec = {"weight_bits": 4, "state_bits": 12, "biases": "none", "thresholds": 40}
    network = conv_network(seed, shape, timesteps, [(3, (2, 3), {"stride": (1, 2)}, spec)], 4)
    first = dataclasses.replace(network.layers[0], hold=True)
    return dataclasses.replace(network, name="held", encoder=Graded(), layers=(first, *network.layers[1:]))


def conv_network(seed, shape, timesteps, convs, outputs, classes=3) -> Network:
    """Convolutions, (channels, kernel, keys, spec) each, behind an image of `shape`, then a dense layer.

    A spec may also say what `biases` and `thresholds` there are.
    """
    rng, layers, seen = np.random.default_rng(seed), [], shape
    for channels, kernel, keys, spec in convs:
        layers.append(conv_layer(rng, seen, channels, kernel, keys=keys, **spec))
        seen = layers[-1].shape
    layers.append(random_layer(rng, layers[-1].neurons, outputs, weight_bits=3, state_bits=9))
    references = random_references(rng, classes, timesteps, outputs)
    return Network("maps", timesteps, Latency(), shape, tuple(layers), references, 20, {})
