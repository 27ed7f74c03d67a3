"""A network of a configuration's sizes before it has learnt anything: enough to plan its core."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ...quant.export import untaught_network
from ...quant.layer import Layer
from ...quant.network import Network, References
from .network import SpikingNetwork

if TYPE_CHECKING:
    from ...config import Config


def blank_network(config: Config, shape: tuple[int, ...], labels: np.ndarray) -> Network:
    """A network of the configuration's sizes that knows nothing, to plan its core before it is trained."""
    untaught = untaught_network(
        SpikingNetwork(config, shape).stages,
        name=config.name,
        timesteps=config.timesteps,
        encoder=config.encoder,
        shape=shape,
        provenance={},
        readout=config.readout,
    )
    if config.readout != "emd":
        labels = labels[:0]
    counts = np.zeros((len(labels), config.timesteps, untaught.outputs), np.uint8)
    return dataclasses.replace(
        untaught,
        layers=tuple(_blank(layer) for layer in untaught.layers),
        references=References(counts, labels.astype(np.int32)),
    )


def _blank(layer: Layer) -> Layer:
    """The layer with the integers that take the least room in memories and sums."""
    weight = np.zeros_like(layer.weight)
    if layer.spec.weight_bits == 1:  # cannot be 0; of both signs, sums stay as short as they can be
        signs = np.where(np.arange(weight.size) % 2, 1, -1)
        weight = signs.astype(weight.dtype).reshape(weight.shape)
    bias, threshold = np.zeros_like(layer.bias), np.ones_like(layer.threshold)
    return dataclasses.replace(layer, weight=weight, bias=bias, threshold=threshold)
