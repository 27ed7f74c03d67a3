"""The weights of one NIR node: dense ones, and convolutions on the map that they see.

NIR's maps are channel-first, [C, H, W]; ours are channel-last.
"""

import dataclasses
from math import prod

import numpy as np

from ..numerics.errors import TwinspikeError, out_of_range
from ..numerics.events import MAX_ADDRESS
from .nir_graph import Node
from .synapses.base import Synapses
from .synapses.conv import Conv
from .synapses.dense import Dense
from .synapses.maps import MAX_STEP, Map


@dataclasses.dataclass(frozen=True, eq=False)
class Weights:
    """What a layer adds up: weight [channels, ...] by kind and bias [channels], both float64.

    Its inputs pass `pools` first, of kind sum; without any, they are the layer's own.
    """

    node: Node
    synapses: Synapses
    weight: np.ndarray
    bias: np.ndarray
    pools: tuple[Synapses, ...] = ()


def dense_weights(node: Node, seen: tuple[int, ...] | None) -> Weights:
    """The weights of an Affine or Linear node that sees a map of `seen`, channel-last (None: not known)."""
    weight = node.array("weight")
    if weight.ndim != 2 or not weight.size:
        raise node.refuse(f"its weight is {list(weight.shape)}, expected [outputs, inputs]")
    if max(weight.shape) > MAX_ADDRESS + 1:
        allowed = f"at most {MAX_ADDRESS + 1} a side"
        raise out_of_range(f"{node} weight shape", list(weight.shape), allowed)
    outputs, inputs = weight.shape
    if seen is not None and len(seen) == 3 and prod(seen) == inputs:
        height, width, channels = seen
        weight = weight.reshape(outputs, channels, height, width).transpose(0, 2, 3, 1).reshape(outputs, -1)
    return Weights(node, Dense(inputs, outputs), weight, _bias(node, outputs))


def conv_weights(node: Node, seen: tuple[int, ...] | None) -> Weights:
    """The weights of a Conv1d or Conv2d node that sees a map of `seen`, channel-last (None: not known)."""
    weight, axes = node.array("weight"), 1 if node.type == "Conv1d" else 2
    if weight.ndim != axes + 2 or not weight.size:
        raise node.refuse(
            f"its weight is {list(weight.shape)}, expected [channels, channels in / groups"
            f"{', rows' if axes == 2 else ''}, columns]"
        )
    groups = whole_numbers(node, "groups", 1, 1, 1)[0]
    stride, dilation = (whole_numbers(node, name, axes, 1, 1) for name in ("stride", "dilation"))
    if axes == 1:
        weight, stride, dilation = weight[:, :, None], (1, *stride), (1, *dilation)
    map_ = _conv_map(node, seen, weight.shape[1] * groups, axes)
    padding, weight = _padding(node, axes, weight, stride, dilation)
    filters, _, *kernel = weight.shape
    synapses = Conv.over(
        map_,
        filters,
        (kernel[0], kernel[1]),
        (stride[0], stride[1]),
        (padding[0], padding[1]),
        (dilation[0], dilation[1]),
        groups,
    )
    made = Weights(node, synapses, weight, _bias(node, filters))
    check_fit(made)
    return made


def _conv_map(node: Node, seen: tuple[int, ...] | None, channels: int, axes: int) -> Map:
    """The map (H, W, C) that a convolution sees: the one before it, else what its input_shape says."""
    if seen is not None and len(seen) == 3:
        if seen[2] != channels:
            raise node.refuse(f"it takes {channels} channels, what comes before it has {seen[2]}")
        if axes == 1 and seen[0] != 1:
            raise node.refuse(f"it sees {told(seen)}, expected one row")
        return (seen[0], seen[1], seen[2])
    if node.fields.get("input_shape") is None:
        raise node.refuse(f"it sees {told(seen)} and has no input_shape: export the network again")
    sides = whole_numbers(node, "input_shape", axes, 1, None)
    map_ = (sides[0] if axes == 2 else 1, sides[-1], channels)
    if seen is not None and prod(seen) != prod(map_):
        raise node.refuse(f"its input_shape makes a map of {prod(map_)} inputs, before it are {prod(seen)}")
    return map_


def _padding(
    node: Node, axes: int, weight: np.ndarray, stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[list[int], np.ndarray]:
    """Rows and columns of border; "same" of an even kernel is a kernel with one tap more, of zeros."""
    given = node.fields.get("padding", 0)
    word = given.decode() if isinstance(given, bytes) else given
    if not isinstance(word, str):
        found = whole_numbers(node, "padding", axes, 0, 0)
        return [0, *found] if axes == 1 else list(found), weight
    if word == "valid":
        return [0, 0], weight
    if word != "same":
        raise node.refuse(f"its padding is {word!r}, expected numbers, same or valid")
    if max(stride) > 1:
        raise node.refuse("its padding is 'same' with a stride above 1, which torch does not have either")
    padding = []
    for axis in (0, 1):
        total = dilation[axis] * (weight.shape[2 + axis] - 1)
        if total % 2 and dilation[axis] > 1:
            raise node.refuse("its padding is 'same' with an even kernel and a dilation above 1")
        # torch puts what is odd behind; a silent tap in front makes both sides equal.
        padding.append(total // 2 + total % 2)
        if total % 2:
            weight = np.pad(weight, [(1, 0) if i == 2 + axis else (0, 0) for i in range(4)])
    return padding, weight


def _bias(node: Node, channels: int) -> np.ndarray:
    if node.type == "Linear" or (node.type.startswith("Conv") and node.fields.get("bias") is None):
        return np.zeros(channels)
    found = node.array("bias").reshape(-1)
    if found.size not in (1, channels):
        raise node.refuse(f"its bias has {found.size} values, expected 1 or {channels}")
    return np.broadcast_to(found, (channels,)).copy()


def whole_numbers(node: Node, field: str, count: int, low: int, default: int | None) -> tuple[int, ...]:
    """A parameter as `count` integers; one value serves all axes."""
    found = node.array(field, default).reshape(-1)
    if found.size not in (1, count) or (found != np.round(found)).any():
        raise node.refuse(f"its {field} is {found.tolist()}, expected {count} integers")
    if found.min() < low or found.max() > MAX_STEP:
        raise node.refuse(f"its {field} is {found.tolist()}, expected integers in {low}..{MAX_STEP}")
    return tuple(int(n) for n in np.broadcast_to(found, (count,)))


def check_fit(made: Weights) -> None:
    """Refuse, by the node's name, a convolution that does not fit its map."""
    try:
        made.synapses.check(made.weight, made.synapses.inputs, "it")
    except TwinspikeError as error:
        raise made.node.refuse(str(error)) from None


def told(seen: tuple[int, ...] | None) -> str:
    """A map's shape in the words of a refusal."""
    return "a map of unknown shape" if seen is None else f"a map of shape {list(seen)}"
