"""From trained torch layers to the integer network. Nothing is rounded here that training did not round."""

import dataclasses
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..numerics.encodings import Encoding
from ..numerics.errors import TwinspikeError
from .layer import Layer, relay
from .layers.base import QuantLayer
from .layers.relay import Relay
from .network import Network, References

# What a trained network depends on, beside its configuration and data.
PACKAGES = ("torch", "brevitas", "numpy", "scikit-learn")


@torch.no_grad()
def integer_layer(synapses: QuantLayer, where: str = "layer") -> Layer:
    """The layer's weights, biases and thresholds as integers.

    Raises TwinspikeError if a value is no integer (a weight that is not finite, for example).
    """
    weight, bias, threshold = synapses.integers()
    return Layer(
        synapses.spec,
        _whole(weight, np.int8, f"{where}.weight"),
        _whole(bias, np.int32, f"{where}.bias"),
        _whole(threshold, np.int32, f"{where}.threshold"),
        synapses.placed(),
        hold=synapses.hold,
        **dataclasses.asdict(synapses.wiring),
    )


def _relay(stage: Relay) -> Layer:
    return relay(stage.placed(), stage.wiring.sources, stage.wiring.combine)


def untaught_network(
    synapses: Sequence[QuantLayer | Relay],
    *,
    name: str,
    timesteps: int,
    encoder: Encoding,
    shape: tuple[int, ...],
    provenance: Mapping[str, Any],
    readout: str = "emd",
) -> Network:
    """The integer network with one silent reference of label 0, before it has learnt any class.

    Its embedding is the final one; ``dataclasses.replace`` puts the real references in. A readout without
    references has none.
    """
    layers = tuple(
        integer_layer(one, f"layers.{i}") if isinstance(one, QuantLayer) else _relay(one)
        for i, one in enumerate(synapses)
    )
    count = 1 if readout == "emd" else 0
    silent = np.zeros((count, timesteps, layers[-1].neurons), dtype=np.uint8)
    references = References(silent, np.zeros(count, dtype=np.int32))
    return Network(name, timesteps, encoder, shape, layers, references, 0, provenance, readout)


def package_versions() -> dict[str, str]:
    """Versions of twinspike and of the packages that determine a trained network."""
    return {name: version(name) for name in ("twinspike", *PACKAGES)}


def _whole(values: Tensor, dtype: type, where: str) -> np.ndarray:
    array = values.cpu().numpy()
    whole = np.nan_to_num(array).astype(dtype)
    if not np.array_equal(whole, array):
        raise TwinspikeError(f"{where} holds values that are no {np.dtype(dtype)}: train the network again")
    return whole
