"""Reading `network.safetensors`: every shape, range and version is validated."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_safetensors

from ..numerics.encodings import encoding_from_table
from ..numerics.errors import TwinspikeError, out_of_range
from ..numerics.fields import build
from ..numerics.files import parse_json, read_limited
from .layer import Layer, is_int, relay, tensor_names
from .network import MAX_LAYERS, METADATA_KEY, VERSION, Network, References, check_shape
from .spec import NeuronSpec
from .synapses.base import Synapses
from .synapses.dense import Dense
from .synapses.kinds import KINDS

# Keys of every kind's entries, beside those of its neurons and its own.
COMMON = ("kind", "sources", "combine", "weights_of", "hold")
# Far beyond any device that the core targets; a larger file is refused before it is parsed.
MAX_FILE_BYTES = 1 << 28


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
    encoding = encoding_from_table({k: v for k, v in encoder.items() if k != "shape"}, "encoder")
    for field in dataclasses.fields(encoding):
        if field.name not in encoder:
            raise TwinspikeError(f"encoder.{field.name} is missing")

    entries = meta["layers"]
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_LAYERS:
        raise out_of_range("layers", entries, f"a list of 1 to {MAX_LAYERS} layers")
    expected = {"references.counts", "references.labels"}
    expected |= {"references.threshold"} & set(tensors)
    expected |= {f"layers.{i}.{part}" for i, entry in enumerate(entries) for part in _parts(entry)}
    for name in sorted(expected ^ set(tensors)):
        state = "missing" if name in expected else "unknown"
        raise TwinspikeError(f"tensor {name} is {state}: the tensors are {', '.join(sorted(expected))}")

    return Network(
        name=meta["name"],
        timesteps=meta["timesteps"],
        encoder=encoding,
        shape=tuple(shape),
        layers=_layers(entries, tensors, encoding.map(tuple(shape))),
        references=References(
            tensors["references.counts"], tensors["references.labels"], tensors.get("references.threshold")
        ),
        verify_threshold=meta["verify_threshold"],
        provenance=meta["provenance"],
        readout=meta["readout"],
    )


def _parts(entry: Any) -> tuple[str, ...]:
    """Names of the tensors of a file's layer; those of a dense one if its kind is not sound."""
    entry = entry if isinstance(entry, dict) else {}
    kind = entry.get("kind")
    found = KINDS.get(kind if isinstance(kind, str) else "", Dense)
    return (*tensor_names(found, entry.get("weights_of")), *found.tensors)


def _layers(
    entries: list[Any], tensors: Mapping[str, np.ndarray], inputs: tuple[int, ...]
) -> tuple[Layer, ...]:
    """The layers of a file's entries; `inputs` is the shape of the network's input."""
    layers: list[Layer] = []
    for index, entry in enumerate(entries):
        where = f"layers.{index}"
        kind = entry.get("kind") if isinstance(entry, dict) else entry
        if not isinstance(kind, str) or kind not in KINDS:
            raise out_of_range(f"{where}.kind", kind, " or ".join(KINDS))
        fields = {key: value for key, value in entry.items() if key not in COMMON}
        own = {key: fields.pop(key) for key in KINDS[kind].own_keys() if key in fields}
        own |= {name: tensors[f"{where}.{name}"] for name in KINDS[kind].tensors}
        spec = _spec(fields, KINDS[kind], where)
        sources = entry.get("sources", [])
        if not isinstance(sources, list) or not all(is_int(s) and -1 <= s < index for s in sources):
            raise out_of_range(f"{where}.sources", sources, f"a list of layers before it, -1..{index - 1}")
        seen = sources[0] if sources else index - 1
        shape = layers[seen].shape if seen >= 0 else inputs
        combine, of, hold = entry.get("combine", "add"), entry.get("weights_of"), entry.get("hold", False)
        if not isinstance(hold, bool):
            raise out_of_range(f"{where}.hold", hold, "true or false")
        if not KINDS[kind].fires:
            if "weights_of" in entry:
                raise TwinspikeError(f"{where}.weights_of is unknown: kind {kind} has no weights")
            synapses = KINDS[kind].of(shape, own, np.zeros(0), where)
            made = relay(synapses, tuple(sources), combine)
            layers.append(dataclasses.replace(made, hold=hold))
            continue
        if "weights_of" in entry and (not is_int(of) or not 0 <= of < index or not layers[of].synapses.fires):
            raise out_of_range(
                f"{where}.weights_of", of, f"a layer before it with weights of its own, 0..{index - 1}"
            )
        weight = tensors[f"{where}.weight"] if of is None else layers[of].weight
        bias, threshold = (tensors[f"{where}.{part}"] for part in ("bias", "threshold"))
        synapses = KINDS[kind].of(shape, own, weight, where)
        layers.append(Layer(spec, weight, bias, threshold, synapses, tuple(sources), combine, of, hold))
    return tuple(layers)


def _spec(fields: dict[str, Any], kind: type[Synapses], where: str) -> NeuronSpec:
    """The neurons of a file's layer, from the keys that are left beside those of every layer and its kind."""
    if not kind.fires:
        for key in fields:
            allowed = ", ".join(kind.own_keys() or COMMON[:3])
            raise TwinspikeError(f"{where}.{key} is unknown: allowed keys are {allowed}")
        return NeuronSpec()
    for field in dataclasses.fields(NeuronSpec):
        if field.name not in fields and field.name != "forget":
            raise TwinspikeError(f"{where}.{field.name} is missing")
    return build(NeuronSpec, fields, where)
