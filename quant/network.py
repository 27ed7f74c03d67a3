"""The integer network: layers, encoder and references, and the `network.safetensors` file.

Torch is not needed to read or write it. Loading validates every shape, range and version and
refuses a bad file with one line naming the field, its value and the allowed range.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as dump_safetensors

from ..numerics.encodings import MAX_TIMESTEPS, Encoding
from ..numerics.errors import out_of_range
from ..numerics.fields import check
from ..numerics.files import write_atomically
from .layer import INT32, Layer, check_dtype, check_layer, is_int
from .sources import source_shape

VERSION = 1
METADATA_KEY = "twinspike"


@dataclasses.dataclass(frozen=True, eq=False)
class References:
    """Cumulative counts uint8 [K, T, n_out], their labels int32 [K], and decision thresholds of their own,
    int32 [K]; None: the network's `verify_threshold` serves all of them."""

    counts: np.ndarray
    labels: np.ndarray
    threshold: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A trained integer network. `content_hash` is the SHA-256 of its file's bytes.

    `readout` "emd": the nearest reference's label. "counts": the output neuron that spikes most; such
    a network has no references (K = 0), and its verify threshold applies to T minus that count. "membrane":
    the last layer never fires, and the output neuron whose u, summed over all steps, is largest; without
    references as well, the threshold applying to what that sum lacks to the greatest possible one.
    """

    name: str
    timesteps: int
    encoder: Encoding
    shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    references: References
    verify_threshold: int
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    readout: str = "emd"

    def __post_init__(self) -> None:
        check_network(self)

    @property
    def thresholds(self) -> np.ndarray:
        """The decision threshold of each reference, int64 [K]."""
        own, count = self.references.threshold, len(self.references.labels)
        return np.full(count, self.verify_threshold, np.int64) if own is None else own.astype(np.int64)

    @property
    def inputs(self) -> int:
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        return self.layers[-1].neurons

    def sources(self, index: int) -> tuple[int, ...]:
        """The layers whose outputs are the input of layer `index`; -1 is the network's input."""
        return self.layers[index].sources or (index - 1,)

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def encode(self, images: np.ndarray) -> np.ndarray:
        """uint8 images [B, *shape] -> bool input spikes [T, B, inputs], uint8 with the graded encoder."""
        return self.encoder.encode(images, self.timesteps)

    def tensors(self) -> dict[str, np.ndarray]:
        """The file's tensors by name."""
        tensors = {"references.counts": self.references.counts, "references.labels": self.references.labels}
        if self.references.threshold is not None:
            tensors["references.threshold"] = self.references.threshold
        for index, layer in enumerate(self.layers):
            for part, tensor in layer.tensors.items():
                tensors[f"layers.{index}.{part}"] = tensor
        return tensors

    def metadata(self) -> str:
        """The file's metadata as JSON text."""
        metadata = {
            "version": VERSION,
            "name": self.name,
            "timesteps": int(self.timesteps),
            "encoder": {**self.encoder.table(), "shape": [int(n) for n in self.shape]},
            "layers": [layer.table() for layer in self.layers],
            "verify_threshold": int(self.verify_threshold),
            "provenance": self.provenance,
        }
        # The key is newer than the format: a file without it, as readers before it expect, means EMD.
        if self.readout != "emd":
            metadata["readout"] = self.readout
        return json.dumps(metadata, sort_keys=True)

    def to_bytes(self) -> bytes:
        """The file's bytes; equal networks give equal bytes."""
        contiguous = {name: np.ascontiguousarray(array) for name, array in self.tensors().items()}
        return dump_safetensors(contiguous, metadata={METADATA_KEY: self.metadata()})

    def save(self, path: Path) -> None:
        """Write the file atomically: readers see the old file or the new one, never a torn one."""
        write_atomically(path, self.to_bytes())


MAX_LAYERS = 16
# The EMD readout's cumulative counts are bytes; counting spikes needs none of them.
MAX_EMD_TIMESTEPS = 255


READOUTS = ("emd", "counts", "membrane")


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
    most = MAX_EMD_TIMESTEPS if network.readout == "emd" else MAX_TIMESTEPS
    if not is_int(network.timesteps) or not 1 <= network.timesteps <= most:
        raise out_of_range("timesteps", network.timesteps, f"an integer in 1..{most}")
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
        seen = _source_shape(network, index)
        check_layer(layer, f"layers.{index}", int(np.prod(seen)))
        layer.synapses.check_map(seen, f"layers.{index}")
        _check_shared(network, index)
        if layer.hold and (index or network.sources(0) != (-1,) or not layer.synapses.fires):
            raise out_of_range(f"layers.{index}.hold", True, "false: only the first layer can hold its input")
    if not network.layers[-1].synapses.fires:
        last = f"layers.{len(network.layers) - 1}.kind"
        raise out_of_range(last, network.layers[-1].kind, "a kind with neurons, in the last layer")
    width = network.outputs
    counts, labels = network.references.counts, network.references.labels
    check_dtype("references.counts", counts, np.uint8)
    check_dtype("references.labels", labels, np.int32)
    if network.readout not in READOUTS:
        raise out_of_range("readout", network.readout, "one of " + ", ".join(READOUTS))
    if network.readout == "membrane":
        _check_sums(network)
    # Only distances need references; a network that counts spikes has none.
    sound = counts.ndim == 3 and (counts.shape[0] >= 1) == (network.readout == "emd")
    if not sound or counts.shape[1:] != (network.timesteps, width):
        allowed = "K >= 1" if network.readout == "emd" else "0"
        raise out_of_range(
            "references.counts shape", counts.shape, f"[{allowed}, {network.timesteps}, {width}]"
        )
    if labels.shape != counts.shape[:1]:
        raise out_of_range("references.labels shape", labels.shape, f"[{counts.shape[0]}]")
    _check_thresholds(network.references)
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


def _check_thresholds(references: References) -> None:
    threshold = references.threshold
    if threshold is None:
        return
    check_dtype("references.threshold", threshold, np.int32)
    if threshold.shape != references.labels.shape or not len(threshold):
        allowed = (
            f"[{len(references.labels)}], one a reference" if len(references.labels) else "no such tensor"
        )
        raise out_of_range("references.threshold shape", threshold.shape, allowed)
    if threshold.min() < 0:
        raise out_of_range("references.threshold", int(threshold.min()), f"0..{INT32.max}")


def _check_sums(network: Network) -> None:
    """Raise TwinspikeError if what a sum of membranes lacks may not fit the result's 32 bits."""
    most, bits = (1 << 32) - 2, network.layers[-1].spec.state_bits
    if network.timesteps * ((1 << bits) - 1) > most:
        allowed = (
            f"2..{(most // network.timesteps + 1).bit_length() - 1}, for {network.timesteps} summed steps"
        )
        raise out_of_range(f"layers.{len(network.layers) - 1}.state_bits", bits, allowed)


def _check_shared(network: Network, index: int) -> None:
    """Raise TwinspikeError unless the layer whose weights layer `index` shares, if any, has the same ones."""
    layer, of, where = network.layers[index], network.layers[index].weights_of, f"layers.{index}.weights_of"
    if of is None:
        return
    if not is_int(of) or not 0 <= of < index or network.layers[of].weights_of is not None:
        raise out_of_range(where, of, f"a layer before it with weights of its own, 0..{index - 1}")
    owner = network.layers[of]
    if (owner.weight.shape, owner.spec.weight_bits) != (layer.weight.shape, layer.spec.weight_bits):
        shape = f"{list(layer.weight.shape)} at {layer.spec.weight_bits} bits"
        raise out_of_range(where, of, f"a layer with weights of {shape}")
    if not np.array_equal(owner.weight, layer.weight):
        raise out_of_range(where, of, "the layer whose weights these are: they differ")


def _source_shape(network: Network, index: int) -> tuple[int, ...]:
    """Shape of the map that layer `index` sees; raises TwinspikeError if its sources are not sound."""
    shapes = [network.encoder.map(network.shape), *(layer.shape for layer in network.layers[:index])]
    return source_shape(network.sources(index), network.layers[index].combine, shapes, f"layers.{index}")
