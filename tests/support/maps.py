"""Random layers on feature maps, and networks of them."""

import numpy as np

from twinspike.numerics.codings import Latency
from twinspike.quant.layer import Layer
from twinspike.quant.network import Network, References
from twinspike.quant.spec import NeuronSpec
from twinspike.quant.synapses.conv import Conv


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


def network_of(layers, shape, timesteps=4, name="maps", encoder=None):
    """A network of the layers, with two references that its outputs could have."""
    rng, outputs = np.random.default_rng(5), layers[-1].neurons
    counts = np.cumsum(rng.random((2, timesteps, outputs)) < 0.3, axis=1).astype(np.uint8)
    references = References(counts, np.arange(2, dtype=np.int32))
    return Network(name, timesteps, encoder or Latency(), shape, tuple(layers), references, 7)
