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
from safetensors import SafetensorError
from safetensors.numpy import load as parse_safetensors
from safetensors.numpy import save as dump_safetensors

from ..numerics.codings import Coding, coding_from_table
from ..numerics.errors import TwinspikeError, out_of_range
from ..numerics.fields import build, setting
from ..numerics.files import parse_json, read_limited, write_atomically
from .checks import MAX_LAYERS, check_network, check_shape, is_int

VERSION = 1
METADATA_KEY = "twinspike"
RESETS = ("subtract", "zero")
# Far beyond any device that the core targets; a larger file is refused before it is parsed.
MAX_FILE_BYTES = 1 << 28


@dataclasses.dataclass(frozen=True)
class NeuronSpec:
    """How the neurons of one dense layer behave; section "layers" of the file's metadata."""

    weight_bits: int = setting(4, low=1, high=8, help="weight width; 1 bit means exactly -1 or +1")
    leak_shift: int = setting(3, low=0, high=31, help="k of v - (v >> k) each step; 0: no leak")
    reset: str = setting("subtract", choices=RESETS, help="after a spike: v - threshold, or 0")
    single_spike: bool = setting(False, help="silent for the rest of the frame after the first spike")
    state_bits: int = setting(12, low=2, high=32, help="membrane potential clamps to this many bits")

    @property
    def weight_limit(self) -> int:
        """Largest weight magnitude: 2^(b-1) - 1 (symmetric narrow range), 1 for binary weights."""
        return max(1, (1 << (self.weight_bits - 1)) - 1)


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """One dense layer of integers: weight int8 [out, in]; bias and threshold int32 [out]."""

    spec: NeuronSpec
    weight: np.ndarray
    bias: np.ndarray
    threshold: np.ndarray

    @property
    def inputs(self) -> int:
        return self.weight.shape[1]

    @property
    def neurons(self) -> int:
        return self.weight.shape[0]


@dataclasses.dataclass(frozen=True, eq=False)
class References:
    """Cumulative counts uint8 [K, T, n_out] and their labels int32 [K]."""

    counts: np.ndarray
    labels: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A trained integer network. `content_hash` is the SHA-256 of its file's bytes.

    `readout` "emd": the nearest reference's label. "counts": the output neuron that spikes most; such
    a network has no references (K = 0), and its verify threshold applies to T minus that count.
    """

    name: str
    timesteps: int
    encoder: Coding
    shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    references: References
    verify_threshold: int
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    readout: str = "emd"

    def __post_init__(self) -> None:
        check_network(self)

    @property
    def inputs(self) -> int:
        return self.layers[0].inputs

    @property
    def outputs(self) -> int:
        return self.layers[-1].neurons

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def encode(self, images: np.ndarray) -> np.ndarray:
        """uint8 images [B, *shape] -> bool input spikes [T, B, inputs]."""
        return self.encoder.encode(images, self.timesteps)

    def tensors(self) -> dict[str, np.ndarray]:
        """The file's tensors by name."""
        tensors = {"references.counts": self.references.counts, "references.labels": self.references.labels}
        for index, layer in enumerate(self.layers):
            for part in ("weight", "bias", "threshold"):
                tensors[f"layers.{index}.{part}"] = getattr(layer, part)
        return tensors

    def metadata(self) -> str:
        """The file's metadata as JSON text."""
        metadata = {
            "version": VERSION,
            "name": self.name,
            "timesteps": int(self.timesteps),
            "encoder": {**self.encoder.table(), "shape": [int(n) for n in self.shape]},
            "layers": [{"kind": "dense", **dataclasses.asdict(layer.spec)} for layer in self.layers],
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


def load_network(path: Path) -> Network:
    """Read and validate a network file; raises TwinspikeError with one line if it is not sound."""
    return parse_network(read_limited(path, MAX_FILE_BYTES, "the network file"), str(path))


def parse_network(data: bytes, where: str) -> Network:
    """The network in the bytes of a file; `where` opens the error messages."""
    try:
        return _parse(data)
    except TwinspikeError as error:
        raise TwinspikeError(f"{where}: {error}") from None


def _parse(data: bytes) -> Network:
    try:
        tensors = parse_safetensors(data)
        header = parse_json(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise TwinspikeError(f"is not a sound safetensors file ({error}); export the network again") from None
    text = (header.get("__metadata__") or {}).get(METADATA_KEY)
    if text is None:
        raise TwinspikeError(f"metadata key {METADATA_KEY!r} is missing: this is not a network file")
    return put_together(text, tensors)


def put_together(text: str, tensors: Mapping[str, np.ndarray]) -> Network:
    """The network of a file's metadata and tensors; raises TwinspikeError unless both are sound."""
    try:
        meta = parse_json(text)
    except ValueError as error:
        raise TwinspikeError(f"metadata {METADATA_KEY!r} is not JSON ({error})") from None
    if not isinstance(meta, dict):
        raise out_of_range("metadata", meta, "a JSON object")
    if not is_int(meta.get("version")) or meta["version"] != VERSION:
        raise out_of_range("version", meta.get("version"), str(VERSION))
    wanted = {"version", "name", "timesteps", "encoder", "layers", "verify_threshold", "provenance"}
    meta = {"readout": "emd", **meta}
    wanted.add("readout")
    for key in sorted(wanted ^ set(meta)):
        state = "missing" if key in wanted else "unknown"
        raise TwinspikeError(f"metadata.{key} is {state}: the keys are {', '.join(sorted(wanted))}")

    encoder = meta["encoder"]
    if not isinstance(encoder, dict):
        raise out_of_range("encoder", encoder, "a JSON object with kind and shape")
    shape: Any = encoder.get("shape")
    check_shape(tuple(shape) if isinstance(shape, list) else shape)
    coding = coding_from_table({k: v for k, v in encoder.items() if k != "shape"}, "encoder")
    for field in dataclasses.fields(coding):
        if field.name not in encoder:
            raise TwinspikeError(f"encoder.{field.name} is missing")

    entries = meta["layers"]
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_LAYERS:
        raise out_of_range("layers", entries, f"a list of 1 to {MAX_LAYERS} layers")
    expected = {"references.counts", "references.labels"}
    specs = []
    for index, entry in enumerate(entries):
        where = f"layers.{index}"
        if not isinstance(entry, dict) or entry.get("kind") != "dense":
            kind = entry.get("kind") if isinstance(entry, dict) else entry
            raise out_of_range(f"{where}.kind", kind, "dense")
        fields = {k: v for k, v in entry.items() if k != "kind"}
        for field in dataclasses.fields(NeuronSpec):
            if field.name not in fields:
                raise TwinspikeError(f"{where}.{field.name} is missing")
        specs.append(build(NeuronSpec, fields, where))
        expected |= {f"{where}.weight", f"{where}.bias", f"{where}.threshold"}
    for name in sorted(expected ^ set(tensors)):
        state = "missing" if name in expected else "unknown"
        raise TwinspikeError(f"tensor {name} is {state}: the tensors are {', '.join(sorted(expected))}")

    return Network(
        name=meta["name"],
        timesteps=meta["timesteps"],
        encoder=coding,
        shape=tuple(shape),
        layers=tuple(
            Layer(spec, *(tensors[f"layers.{i}.{part}"] for part in ("weight", "bias", "threshold")))
            for i, spec in enumerate(specs)
        ),
        references=References(tensors["references.counts"], tensors["references.labels"]),
        verify_threshold=meta["verify_threshold"],
        provenance=meta["provenance"],
        readout=meta["readout"],
    )
