"""Small random networks that several tests share."""

import dataclasses

import numpy as np

from twinspike.numerics.encodings import Encoding, Latency
from twinspike.quant.layer import Layer
from twinspike.quant.network import Network, References
from twinspike.quant.spec import NeuronSpec


def random_layer(rng: np.random.Generator, inputs: int, neurons: int, **spec) -> Layer:
    """Weights over the whole range of their width, thresholds that a few inputs reach."""
    neuron = NeuronSpec(**spec)
    limit = neuron.weight_limit
    weight = rng.integers(-limit, limit + 1, (neurons, inputs))
    if neuron.weight_bits == 1:
        weight = np.where(weight >= 0, 1, -1)
    bias = rng.integers(-limit, limit + 1, neurons)
    threshold = rng.integers(1, 2 * limit + 2, neurons)
    return Layer(neuron, weight.astype(np.int8), bias.astype(np.int32), threshold.astype(np.int32))


def random_references(rng: np.random.Generator, count: int, timesteps: int, outputs: int) -> References:
    spikes = rng.random((count, timesteps, outputs)) < 0.3
    return References(np.cumsum(spikes, axis=1).astype(np.uint8), np.arange(count, dtype=np.int32))


def random_network(
    seed: int = 0,
    *,
    timesteps: int = 5,
    shape: tuple[int, ...] = (2, 3),
    widths: tuple[int, ...] = (4, 3),
    classes: int = 3,
    encoder: Encoding | None = None,
    **spec,
) -> Network:
    rng = np.random.default_rng(seed)
    encoder = encoder or Latency(threshold=10)
    layers, inputs = [], encoder.addresses(shape)
    for width in widths:
        layers.append(random_layer(rng, inputs, width, **spec))
        inputs = width
    references = random_references(rng, classes, timesteps, inputs)
    return Network("tiny", timesteps, encoder, shape, tuple(layers), references, 7, {"seed": seed})


def counting(network: Network | None = None, *, verify_threshold: int = 0, **random) -> Network:
    """A network whose readout counts spikes: `network`, or a random one, without its references."""
    network = network or random_network(**random)
    none = References(np.zeros((0, network.timesteps, network.outputs), np.uint8), np.zeros(0, np.int32))
    return dataclasses.replace(network, readout="counts", references=none, verify_threshold=verify_threshold)


def summing(network: Network | None = None, *, verify_threshold: int = 0, **random) -> Network:
    """A network whose readout adds up membranes: as :func:`counting` otherwise."""
    timesteps = network.timesteps if network else random.pop("timesteps", 5)
    # References count up to 255 steps only, and there are none here.
    made = network or random_network(timesteps=1, **random)
    none = References(np.zeros((0, timesteps, made.outputs), np.uint8), np.zeros(0, np.int32))
    return dataclasses.replace(
        made, readout="membrane", timesteps=timesteps, references=none, verify_threshold=verify_threshold
    )


def wide_network(*layers, inputs=1024, timesteps=2):
    """A network of (neurons, weight_bits) layers."""
    rng, made, width = np.random.default_rng(0), [], inputs
    for neurons, bits in layers:
        made.append(random_layer(rng, width, neurons, weight_bits=bits))
        width = neurons
    references = random_references(rng, 2, timesteps, width)
    return Network("wide", timesteps, Latency(), (inputs,), tuple(made), references, 0, {})
