"""What makes an integer network sound: the checks behind both loading and building one in Python."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..numerics.errors import out_of_range
from ..numerics.events import MAX_ADDRESS
from ..numerics.fields import check

if TYPE_CHECKING:
    from .network import Layer, Network

INT32 = np.iinfo(np.int32)
MAX_LAYERS = 16
READOUTS = ("emd", "counts")


def is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_shape(shape: object) -> None:
    """An image's shape is a tuple of 1 to 4 positive integers."""
    if (
        not isinstance(shape, tuple)
        or not 1 <= len(shape) <= 4
        or not all(is_int(n) and n > 0 for n in shape)
    ):
        raise out_of_range("encoder.shape", shape, "a list of 1 to 4 positive integers")


def check_network(network: "Network") -> None:
    """Raise TwinspikeError, one line naming the field, unless every shape, type and range is sound."""
    # The name is printed into generated sources: no line breaks, no control characters.
    name = network.name
    if not isinstance(name, str) or not 1 <= len(name) <= 100 or not name.isprintable():
        raise out_of_range("name", name, "text of 1 to 100 printable characters")
    if not is_int(network.timesteps) or not 1 <= network.timesteps <= 255:
        raise out_of_range("timesteps", network.timesteps, "an integer in 1..255")
    if not is_int(network.verify_threshold) or not 0 <= network.verify_threshold <= INT32.max:
        raise out_of_range("verify_threshold", network.verify_threshold, f"an integer in 0..{INT32.max}")
    if not isinstance(network.provenance, Mapping):
        raise out_of_range("provenance", network.provenance, "a JSON object")
    check_shape(network.shape)
    check(network.encoder, "encoder")
    if not 1 <= len(network.layers) <= MAX_LAYERS:
        raise out_of_range("layers", len(network.layers), f"1 to {MAX_LAYERS} layers")
    width = network.encoder.addresses(network.shape)
    for index, layer in enumerate(network.layers):
        _check_layer(layer, f"layers.{index}", width)
        width = layer.neurons
    counts, labels = network.references.counts, network.references.labels
    _check_dtype("references.counts", counts, np.uint8)
    _check_dtype("references.labels", labels, np.int32)
    if network.readout not in READOUTS:
        raise out_of_range("readout", network.readout, "one of " + ", ".join(READOUTS))
    # Only distances need references; a network that counts spikes has none.
    sound = counts.ndim == 3 and (counts.shape[0] >= 1) == (network.readout == "emd")
    if not sound or counts.shape[1:] != (network.timesteps, width):
        allowed = "K >= 1" if network.readout == "emd" else "0"
        raise out_of_range(
            "references.counts shape", counts.shape, f"[{allowed}, {network.timesteps}, {width}]"
        )
    if labels.shape != counts.shape[:1]:
        raise out_of_range("references.labels shape", labels.shape, f"[{counts.shape[0]}]")
    if not len(labels):
        return
    growth = np.diff(counts.astype(np.int16), axis=1, prepend=0)
    if growth.min() < 0 or growth.max() > 1:
        k, t, n = (int(i[0]) for i in np.nonzero((growth < 0) | (growth > 1)))
        raise out_of_range(
            f"references.counts[{k},{t},{n}]",
            int(counts[k, t, n]),
            "cumulative counts that grow by 0 or 1 a step from 0",
        )
    if labels.min() < 0 or labels.max() > 0xFFFF:
        raise out_of_range("references.labels", int(labels[(labels < 0) | (labels > 0xFFFF)][0]), "0..65535")


def _check_dtype(name: str, array: np.ndarray, dtype: type) -> None:
    if array.dtype != dtype:
        raise out_of_range(f"{name} dtype", array.dtype.name, np.dtype(dtype).name)


def _check_layer(layer: "Layer", where: str, width: int) -> None:
    check(layer.spec, where)
    weight, limit = layer.weight, layer.spec.weight_limit
    for part, dtype in (("weight", np.int8), ("bias", np.int32), ("threshold", np.int32)):
        _check_dtype(f"{where}.{part}", getattr(layer, part), dtype)
    if weight.ndim != 2 or weight.shape[0] < 1 or weight.shape[1] != width:
        raise out_of_range(f"{where}.weight shape", weight.shape, f"[neurons >= 1, {width}]")
    if max(weight.shape) > MAX_ADDRESS + 1:
        raise out_of_range(
            f"{where}.weight shape", weight.shape, f"at most {MAX_ADDRESS + 1} addresses a side"
        )
    for part in ("bias", "threshold"):
        if getattr(layer, part).shape != (layer.neurons,):
            raise out_of_range(f"{where}.{part} shape", getattr(layer, part).shape, f"[{layer.neurons}]")
    bad = np.abs(weight.astype(np.int16)) > limit
    allowed = f"-{limit}..{limit} at {layer.spec.weight_bits} bits"
    if layer.spec.weight_bits == 1:
        bad, allowed = bad | (weight == 0), "-1 or +1 at 1 bit"
    if bad.any():
        j, i = (int(axis[0]) for axis in np.nonzero(bad))
        raise out_of_range(f"{where}.weight[{j},{i}]", int(weight[j, i]), allowed)
    if layer.threshold.min() < 1:
        j = int(np.argmin(layer.threshold))
        raise out_of_range(f"{where}.threshold[{j}]", int(layer.threshold[j]), f"1..{INT32.max}")
