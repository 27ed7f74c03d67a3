"""Small random networks of convolutions with a dense layer behind them, as cores are tested with."""

import numpy as np
from support.maps import random_conv
from support.networks import random_layer, random_references

from twinspike.numerics.encodings import Latency
from twinspike.quant.network import Network
from twinspike.quant.spec import NeuronSpec


def conv_layer(rng, shape, channels, kernel, *, keys=None, **spec):
    """A convolution over a map of `shape`; `keys` are its geometry."""
    return random_conv(rng, shape, channels, kernel, spec=NeuronSpec(**spec), **(keys or {}))


def conv_network(seed, shape, timesteps, convs, outputs, classes=3) -> Network:
    """Convolutions, (channels, kernel, keys, spec) each, behind an image of `shape`, then a dense layer."""
    rng, layers, seen = np.random.default_rng(seed), [], shape
    for channels, kernel, keys, spec in convs:
        layers.append(conv_layer(rng, seen, channels, kernel, keys=keys, **spec))
        seen = layers[-1].shape
    layers.append(random_layer(rng, layers[-1].neurons, outputs, weight_bits=3, state_bits=9))
    references = random_references(rng, classes, timesteps, outputs)
    return Network("maps", timesteps, Latency(), shape, tuple(layers), references, 20, {})
