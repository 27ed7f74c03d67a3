"""Random layers on feature maps, and networks of them."""

import dataclasses

import numpy as np

from twinspike.numerics.encodings import Latency
from twinspike.quant.layer import Layer
from twinspike.quant.network import Network, References
from twinspike.quant.spec import NeuronSpec
from twinspike.quant.synapses.conv import Conv
from twinspike.quant.synapses.taps import Taps


def random_conv(rng, map, filters, kernel, *, spec=None, **geometry):
    """A convolution with weights over their whole range, biases of both signs, reachable thresholds."""
    spec = spec or NeuronSpec()
    synapses = Conv.over(map, filters, kernel, **geometry)
    limit = spec.weight_limit
    weight = rng.integers(-limit, limit + 1, (filters, map[2] // synapses.groups, *kernel))
    if spec.weight_bits == 1:
        weight = np.where(weight >= 0, 1, -1)
    bias = rng.integers(-limit, limit + 1, filters).astype(np.int32)
    threshold = rng.integers(1, 3 * limit + 2, filters).astype(np.int32)
    return Layer(spec, weight.astype(np.int8), bias, threshold, synapses)


def random_taps(rng, map, filters, taps, *, spec=None, span=3, **geometry):
    """Taps at random offsets of up to `span` places, with the tensors of :func:`random_conv`."""
    offset = rng.integers(-span, span + 1, (map[2], taps, 2)).astype(np.int8)
    synapses = Taps.over(map, filters, offset, **geometry)
    like = random_conv(rng, map, filters, (taps, 1), spec=spec, groups=synapses.groups)
    weight = like.weight.reshape(filters, -1, taps)
    return dataclasses.replace(like, weight=weight, synapses=synapses)


def network_of(layers, shape, timesteps=4, name="maps", encoder=None):
    """A network of the layers, with two references that its outputs could have."""
    rng, outputs = np.random.default_rng(5), layers[-1].neurons
    counts = np.cumsum(rng.random((2, timesteps, outputs)) < 0.3, axis=1).astype(np.uint8)
    references = References(counts, np.arange(2, dtype=np.int32))
    return Network(name, timesteps, encoder or Latency(), shape, tuple(layers), references, 7)
