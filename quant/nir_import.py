"""From a NIR graph to an integer network, stage by stage, so that each stage's cost can be measured."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..numerics.encodings import MAX_TIMESTEPS, Encoding
from ..numerics.errors import TwinspikeError, out_of_range
from ..numerics.files import parse_json
from .dialects import DIALECTS, RESETS
from .floating import FloatLayer, float_layer
from .layer import Layer, relay
from .network import METADATA_KEY, Network, References
from .network_file import put_together
from .nir_channels import channel_last, input_shape
from .nir_export import COUNTS, LABELS, THRESHOLDS
from .nir_graph import chain, parts
from .nir_maps import layer_weights
from .rounding import (
    Rounded,
    exact_layer,
    fit_leak,
    hardware_reset,
    integer_threshold,
    real_layer,
    round_layer,
)
from .scaling import BELOW, in_scale

# Shows how far a loop has come, as tqdm does.
Watch = Callable[[Sequence[Any]], Iterable[Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class Stages:
    """The layers of a network on their way from the file to integers; each stage builds on the one before.

    real      as the file and the framework's reading of it say
    leaked    with a leak that is a power of two, thresholds stretched to make up for it
    reset     with a reset in the step of the spike
    rounded   integers, with the scale of each neuron
    """

    real: tuple[FloatLayer, ...]
    leaked: tuple[FloatLayer, ...]
    reset: tuple[FloatLayer, ...]
    rounded: tuple[Rounded, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The network's layers, pools that stayed among them."""
        return wired([r.layer for r in self.rounded], self.real)

    @property
    def unfloored(self) -> tuple[FloatLayer, ...]:
        """The integer layers without the floor of their leak and without clamps."""
        return tuple(real_layer(r, like) for r, like in zip(self.rounded, self.reset, strict=True))


def wired(layers: Sequence[Layer], real: Sequence[FloatLayer]) -> tuple[Layer, ...]:
    """Integer layers made from the real ones, with the pools before each that the core has to have."""
    found: list[Layer] = []
    for layer, like in zip(layers, real, strict=True):
        found += [*map(relay, like.pools), layer]
    return tuple(found)


def float_layers(
    graph: Mapping[str, Any], *, dialect: str = "nir", dt: float | None = None, reset: str = "zero"
) -> tuple[FloatLayer, ...]:
    """The layers of a graph (see `nir_file.read_graph`) in real numbers.

    dialect   who wrote it: nir, snntorch, norse and others (quant/dialects.py)
    dt        seconds per step in the file's time; None: the dialect's
    reset     what its neurons really do, where NIR only knows v_reset: zero, subtract, subtract-delayed

    Raises TwinspikeError naming the node that cannot be mapped, its type and why.
    """
    if dialect not in DIALECTS:
        raise out_of_range("from", dialect, "one of " + ", ".join(DIALECTS))
    if reset not in RESETS:
        raise out_of_range("reset", reset, "one of " + ", ".join(RESETS))
    step = DIALECTS[dialect].dt if dt is None else dt
    if not 0 < step < 1e6:
        raise out_of_range("dt", step, "seconds, more than 0")
    found: list[FloatLayer] = []
    made = parts(chain(graph))
    shape = channel_last(input_shape(graph), made[0].weights)
    for part in made:
        weights = layer_weights(part, shape, step)
        layer = float_layer(weights, part.neurons, DIALECTS[dialect], step, reset)
        if found and layer.inputs != found[-1].neurons:
            raise part.weights.refuse(
                f"it takes {layer.inputs} inputs, the layer before has {found[-1].neurons} neurons"
            )
        found.append(layer)
        shape = layer.synapses.shape
    return tuple(found)


def run_layers(layers: Sequence[FloatLayer], spikes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Input spikes bool [T, B, in] through real layers: spikes bool [T, B, out] of each."""
    trains = []
    for layer in layers:
        spikes = layer.run(spikes)
        trains.append(spikes)
    return tuple(trains)


def round_network(
    real: Sequence[FloatLayer], spikes: np.ndarray, weight_bits: int, watch: Watch = iter
) -> Stages:
    """Every stage of the layers, chosen on calibration spikes bool [T, B, in], layer by layer.

    `watch` passes the layers on as they are taken, for a progress bar.

    Each integer layer is fitted on what the integer layers before it give, towards the spikes of
    the real one. Raises TwinspikeError if the inputs do not fit or a layer cannot be rounded.
    """
    if spikes.shape[2] != real[0].inputs:
        raise TwinspikeError(
            f"the network takes {real[0].inputs} inputs, the calibration data have "
            f"{spikes.shape[2]}: give the data (and the spike encoding) that it was trained with"
        )
    leaked, reset, rounded = [], [], []
    real_inputs = inputs = spikes
    for layer in watch(real):
        with_leak, shift = fit_leak(layer, real_inputs)
        target = layer.run(real_inputs)
        leaked.append(with_leak)
        reset.append(hardware_reset(with_leak))
        rounded.append(round_layer(reset[-1], shift, inputs, target, weight_bits))
        inputs, real_inputs = rounded[-1].run(inputs), target
    return Stages(tuple(real), tuple(leaked), tuple(reset), tuple(rounded))


def counting_network(
    layers: Sequence[Layer],
    *,
    name: str,
    timesteps: int,
    encoder: Encoding,
    shape: tuple[int, ...],
    provenance: Mapping[str, Any],
) -> Network:
    """A network that answers with the output neuron that spikes most; "same" means that any did."""
    none = References(np.zeros((0, timesteps, layers[-1].neurons), np.uint8), np.zeros(0, np.int32))
    return Network(
        name, timesteps, encoder, shape, tuple(layers), none, timesteps - 1, provenance, readout="counts"
    )


def reimport(graph: Mapping[str, Any]) -> Network | None:
    """The very network that twinspike exported, content hash and all; None if the graph is no such export.

    Weights, biases, thresholds and leaks come from the nodes, everything else from the metadata. None
    as well if another tool changed the parameters, so that they are no integers of that kind.
    """
    extra = graph.get("metadata")
    if not isinstance(extra, Mapping) or not isinstance(text := extra.get(METADATA_KEY), str):
        return None
    found = float_layers(graph)
    if any(layer.pools for layer in found):
        return None
    found = tuple(_unscaled(layer, extra.get(f"{THRESHOLDS}{i}")) for i, layer in enumerate(found))
    tensors = _references(text, extra, found[-1].neurons)
    for index, layer in enumerate(found):
        threshold = integer_threshold(layer, 1.0)
        parts: dict[str, tuple[np.ndarray, Any]] = {
            "weight": (layer.weight, np.int8),
            "bias": (layer.bias, np.int32),
            "threshold": (threshold, np.int32),
        }
        for part, (values, dtype) in parts.items():
            limits = np.iinfo(dtype)
            integers = np.clip(values, limits.min, limits.max).astype(dtype)
            if not np.array_equal(integers, values):
                return None
            tensors[f"layers.{index}.{part}"] = integers
    network = put_together(text, tensors)
    same = all(exact_layer(real, made.spec) for real, made in zip(found, network.layers, strict=True))
    return network if same else None


def _unscaled(layer: FloatLayer, thresholds: Any) -> FloatLayer:
    """A layer that was exported divided by its `thresholds`, in whole numbers again; others as they are."""
    given = np.asarray(thresholds)
    if thresholds is None or given.shape != (layer.channels,) or given.dtype.kind not in "iu":
        return layer
    return in_scale(layer, 1 / (given - BELOW))


def _references(text: str, extra: Mapping[str, Any], outputs: int) -> dict[str, np.ndarray]:
    """The references in a graph's metadata; HDF5 tools store no empty tables, so none means K = 0."""
    if COUNTS in extra and LABELS in extra:
        return {
            "references.counts": np.asarray(extra[COUNTS]),
            "references.labels": np.asarray(extra[LABELS]),
        }
    try:
        timesteps = int(parse_json(text)["timesteps"])
    except (ValueError, TypeError, KeyError, OverflowError):
        timesteps = 1
    counts = np.zeros((0, min(max(timesteps, 0), MAX_TIMESTEPS), outputs), np.uint8)
    return {"references.counts": counts, "references.labels": np.zeros(0, np.int32)}
