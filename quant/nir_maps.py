"""The weights of a NIR graph's layers on our maps: convolutions, what is pooled before them, scales.

NIR's maps are channel-first, [C, H, W]; ours are channel-last. A sum pool has no neurons: it is folded into
the weights beside it, whose kernel it makes larger, and an average is the same with weights divided by the
size of its window. Nothing is approximated by that, since both are linear and spikes pass a pool in their
step. One that cannot be folded, since it drops rows that a border of the convolution behind it would bring
back, stays a pool of the core. Scales are multiplied into the weights beside them.
"""

import dataclasses
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from ..numerics.errors import TwinspikeError, out_of_range
from ..numerics.events import MAX_ADDRESS
from .nir_graph import Node, Part
from .synapses.base import Synapses
from .synapses.conv import Conv
from .synapses.delay import MAX_DELAY, Delay
from .synapses.dense import Dense
from .synapses.maps import MAX_STEP, Map, Pair
from .synapses.pool import Pool


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


@dataclasses.dataclass(frozen=True)
class _Window:
    """A pool: its window, step and border, and the map (H, W, C) that it sees."""

    map: Map
    size: Pair
    step: Pair
    border: Pair

    @property
    def places(self) -> Pair:
        rows, columns = (
            (self.map[i] + 2 * self.border[i] - self.size[i]) // self.step[i] + 1 for i in (0, 1)
        )
        return rows, columns

    def tiles(self, axis: int) -> bool:
        """Whether windows lie side by side and cover the axis, so that nothing outside them is seen."""
        side_by_side = self.size[axis] == self.step[axis] and not self.border[axis]
        return side_by_side and self.map[axis] % self.size[axis] == 0


def input_shape(graph: Mapping[str, Any]) -> tuple[int, ...] | None:
    """Shape of what the graph takes, as its Input node has it (channel-first); None if it says nothing."""
    for entry in graph.get("nodes", {}).values():
        if isinstance(entry, Mapping) and entry.get("type") == "Input":
            shape = entry.get("shape")
            if shape is None and isinstance(kinds := entry.get("input_type"), Mapping):
                shape = next(iter(kinds.values()), None)
            if shape is None:
                return None
            try:
                return tuple(int(n) for n in np.asarray(shape).reshape(-1))
            except (TypeError, ValueError, OverflowError):
                return None
    return None


def layer_weights(part: Part, shape: tuple[int, ...] | None, dt: float) -> Weights:
    """The weights of a part of a chain behind a map of `shape` (None: not known).

    `shape` is that of the graph's input, channel-first (C, H, W), (C, N) or (N,), or of the layer before,
    channel-last (H, W, C) or (N,): see `channel_last`; `dt` are a step's seconds. Raises
    TwinspikeError naming node and parameter.
    """
    node = part.weights
    windows, gains, seen = [], [], shape
    if any(before.type == "Delay" for before in part.before):
        return delayed_weights(part, shape, dt)
    for before in part.before:
        if before.type == "Scale":
            gains.append((before, seen))
            continue
        if seen is None or len(seen) != 3:
            raise before.refuse(f"it sees {_told(seen)}: a pool needs a map of channels, rows and columns")
        map_: Map = (seen[0], seen[1], seen[2])
        windows.append((before, _window(before, map_)))
        seen = (*windows[-1][1].places, map_[2])
    made = _dense(node, seen) if node.type in ("Affine", "Linear") else _conv(node, seen)
    for before, at in reversed(gains):
        made = _scaled_inputs(made, before, at)
    for before, window in reversed(windows):
        # Behind a pool that stays, others stay as well.
        stays = bool(made.pools) or not _folds(made, window)
        made = _kept(made, window, before) if stays else _behind(made, window, before)
    return _followed(made, part)


def _followed(made: Weights, part: Part) -> Weights:
    """The weights with the nodes between them and their neurons folded in."""
    for after in part.after:
        if after.type == "Scale":
            gain = _channel_values(after, "scale", made.synapses)
            made = dataclasses.replace(
                made, weight=made.weight * by_channel(gain, made.weight), bias=made.bias * gain
            )
        else:
            made = _ahead(made, after)
    return made


def delayed_weights(part: Part, shape: tuple[int, ...] | None, dt: float) -> Weights:
    """The dense weights of a part of a chain behind delays of whole steps; see `layer_weights`."""
    node, first = part.weights, part.before[0]
    for before in part.before:
        if before.type != "Delay":
            raise before.refuse("beside a Delay no other node can stand before a layer's weights")
    if node.type not in ("Affine", "Linear"):
        raise first.refuse(f"{node} follows it: a delay is mapped before Affine and Linear weights only")
    made = _dense(node, shape)
    inputs = made.synapses.inputs
    seen = shape if shape is not None and prod(shape) == inputs else (inputs,)
    stages = tuple(Delay.over(seen, delay_steps(before, seen, dt)) for before in part.before)
    return _followed(dataclasses.replace(made, pools=stages), part)


def delay_steps(node: Node, seen: tuple[int, ...], dt: float) -> np.ndarray:
    """A Delay node's delays in steps, uint8 [inputs, 1], for a map of `seen`, channel-last."""
    found, inputs = node.array("delay").reshape(-1), prod(seen)
    if found.size not in (1, inputs):
        raise node.refuse(f"its delay has {found.size} values, expected 1 or {inputs}")
    steps = np.broadcast_to(found / dt, (inputs,))
    whole = np.round(steps)
    wrong = (np.abs(steps - whole) > 1e-3 * np.maximum(1, whole)) | (whole < 0) | (whole > MAX_DELAY)
    if wrong.any():
        raise node.refuse(
            f"a delay of {float(steps[wrong][0]):.4g} steps of {dt:g} s: expected whole steps, 0..{MAX_DELAY}"
        )
    if len(seen) == 3:
        whole = whole.reshape(seen[2], *seen[:2]).transpose(1, 2, 0)
    return whole.reshape(-1, 1).astype(np.uint8)


def channel_last(shape: tuple[int, ...] | None, first: Node) -> tuple[int, ...] | None:
    """A graph's input shape as the layers see it: (H, W, C) of images [C, H, W], else as it is.

    `first` is the node behind the input: a Conv1d sees [C, N], which becomes (1, N, C). A leading axis of
    size 1 before three others is a batch.
    """
    if shape is None or min(shape, default=0) < 1:
        return None
    if len(shape) == 4 and shape[0] == 1:
        shape = shape[1:]
    if first.type == "Conv1d" and len(shape) == 2:
        return (1, shape[1], shape[0])
    if len(shape) == 3:
        return (shape[1], shape[2], shape[0])
    return (*shape, 1) if len(shape) == 2 else (prod(shape),)


def by_channel(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """[channels] as a tensor that broadcasts along the first axis of `weight`."""
    return values.reshape(-1, *[1] * (weight.ndim - 1))


def channel_neurons(neurons: Node, synapses: Synapses) -> Node:
    """The node with one value a channel where it has one a neuron: a map's thresholds are a channel's.

    Raises TwinspikeError if they differ from place to place.
    """
    if synapses.channels == synapses.neurons:
        return neurons
    fields = dict(neurons.fields)
    for field, value in neurons.fields.items():
        if field not in ("type", "metadata", "input_type", "output_type") and np.size(value) > 1:
            fields[field] = _channel_values(neurons, field, synapses)
    return dataclasses.replace(neurons, fields=fields)


def _channel_values(node: Node, field: str, synapses: Synapses) -> np.ndarray:
    """A parameter of a layer's outputs as [channels]: given once, a channel, or a neuron [C, H, W]."""
    found, channels = node.array(field, finite=False).reshape(-1), synapses.channels
    if found.size in (1, channels):
        return np.broadcast_to(found, (channels,)).copy()
    if found.size != synapses.neurons:
        allowed = " or ".join(str(n) for n in dict.fromkeys((1, channels, synapses.neurons)))
        raise node.refuse(f"its {field} has {found.size} values, expected {allowed}")
    places = found.reshape(channels, -1)
    if not np.array_equal(places, np.repeat(places[:, :1], places.shape[1], axis=1), equal_nan=True):
        raise node.refuse(f"its {field} differs from place to place: a map has one for each channel")
    return places[:, 0]


def _dense(node: Node, seen: tuple[int, ...] | None) -> Weights:
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


def _bias(node: Node, channels: int) -> np.ndarray:
    if node.type == "Linear" or (node.type.startswith("Conv") and node.fields.get("bias") is None):
        return np.zeros(channels)
    found = node.array("bias").reshape(-1)
    if found.size not in (1, channels):
        raise node.refuse(f"its bias has {found.size} values, expected 1 or {channels}")
    return np.broadcast_to(found, (channels,)).copy()


def _conv(node: Node, seen: tuple[int, ...] | None) -> Weights:
    weight, axes = node.array("weight"), 1 if node.type == "Conv1d" else 2
    if weight.ndim != axes + 2 or not weight.size:
        raise node.refuse(
            f"its weight is {list(weight.shape)}, expected [channels, channels in / groups"
            f"{', rows' if axes == 2 else ''}, columns]"
        )
    groups = _whole(node, "groups", 1, 1, 1)[0]
    stride, dilation = (_whole(node, name, axes, 1, 1) for name in ("stride", "dilation"))
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
    _check(made)
    return made


def _conv_map(node: Node, seen: tuple[int, ...] | None, channels: int, axes: int) -> Map:
    """The map (H, W, C) that a convolution sees: the one before it, else what its input_shape says."""
    if seen is not None and len(seen) == 3:
        if seen[2] != channels:
            raise node.refuse(f"it takes {channels} channels, what comes before it has {seen[2]}")
        if axes == 1 and seen[0] != 1:
            raise node.refuse(f"it sees {_told(seen)}, expected one row")
        return (seen[0], seen[1], seen[2])
    if node.fields.get("input_shape") is None:
        raise node.refuse(f"it sees {_told(seen)} and has no input_shape: export the network again")
    sides = _whole(node, "input_shape", axes, 1, None)
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
        found = _whole(node, "padding", axes, 0, 0)
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


def _whole(node: Node, field: str, count: int, low: int, default: int | None) -> tuple[int, ...]:
    """A parameter as `count` integers; one value serves all axes."""
    found = node.array(field, default).reshape(-1)
    if found.size not in (1, count) or (found != np.round(found)).any():
        raise node.refuse(f"its {field} is {found.tolist()}, expected {count} integers")
    if found.min() < low or found.max() > MAX_STEP:
        raise node.refuse(f"its {field} is {found.tolist()}, expected integers in {low}..{MAX_STEP}")
    return tuple(int(n) for n in np.broadcast_to(found, (count,)))


def _window(node: Node, map_: Map) -> _Window:
    size = _whole(node, "kernel_size", 2, 1, None)
    step = _whole(node, "stride", 2, 1, None) if node.fields.get("stride") is not None else size
    border = _whole(node, "padding", 2, 0, 0)
    made = _Window(map_, (size[0], size[1]), (step[0], step[1]), (border[0], border[1]))
    if min(made.places) < 1 or any(border[i] * 2 > size[i] for i in (0, 1)):
        raise node.refuse(f"its window {list(size)} with a border of {list(border)} does not suit {map_}")
    return made


def _scaled_inputs(made: Weights, node: Node, seen: tuple[int, ...] | None) -> Weights:
    """Weights that take a Scale node's part: one factor, one a channel, or (dense) one an input."""
    gain, weight, inputs = node.array("scale").reshape(-1), made.weight, made.synapses.inputs
    if gain.size == 1:
        return dataclasses.replace(made, weight=weight * gain[0])
    if isinstance(made.synapses, Conv):
        channels, groups = made.synapses.map[2], made.synapses.groups
        each = gain.reshape(channels, -1) if gain.size in (channels, inputs) else np.zeros((0, 0))
        if not each.size or (each != each[:, :1]).any():
            raise node.refuse(f"its scale has {gain.size} values: expected one, or one for each channel")
        # [groups, 1, C / groups, 1, 1]: the filters of a group see its channels.
        spread = each[:, 0].reshape(groups, 1, channels // groups, 1, 1)
        grouped = weight.reshape(groups, -1, *weight.shape[1:]) * spread
        return dataclasses.replace(made, weight=grouped.reshape(weight.shape))
    if gain.size != inputs:
        raise node.refuse(f"its scale has {gain.size} values, expected 1 or {inputs}")
    if seen is not None and len(seen) == 3:
        gain = gain.reshape(seen[2], seen[0], seen[1]).transpose(1, 2, 0).reshape(-1)
    return dataclasses.replace(made, weight=weight * gain)


def _folds(made: Weights, pool: _Window) -> bool:
    """Whether weights can stand in front of the pool: a border sees nothing that the pool does not."""
    conv = made.synapses
    return not isinstance(conv, Conv) or all(not conv.padding[i] or pool.tiles(i) for i in (0, 1))


def _kept(made: Weights, pool: _Window, node: Node) -> Weights:
    """The same weights behind a pool of the core."""
    if pool.size != pool.step or any(pool.border):
        raise node.refuse(
            f"its windows overlap or have a border, and {made.node} has one too: let them lie side by side, "
            "or use no padding there"
        )
    average = 1.0 / prod(pool.size) if node.type == "AvgPool2d" else 1.0
    return dataclasses.replace(
        made,
        weight=made.weight * average,
        pools=(Pool.over(pool.map, pool.size, "sum"), *made.pools),
    )


def _ahead(made: Weights, node: Node) -> Weights:
    """Weights whose currents are pooled by `node`: one convolution, of a wider step and a larger kernel."""
    conv = made.synapses
    if not isinstance(conv, Conv):
        raise node.refuse(f"it stands between {made.node}, which makes no map, and its neurons")
    pool = _window(node, conv.shape)
    if any(pool.border):
        raise node.refuse(
            f"it stands between {made.node} and its neurons with a border: places there would weigh less"
        )
    spans = [
        (conv.kernel[i] - 1) * conv.dilation[i] + (pool.size[i] - 1) * conv.stride[i] + 1 for i in (0, 1)
    ]
    weight: np.ndarray = np.zeros((*made.weight.shape[:2], *spans))
    for ky, kx, wy, wx in np.ndindex(*conv.kernel, *pool.size):
        y, x = ky * conv.dilation[0] + wy * conv.stride[0], kx * conv.dilation[1] + wx * conv.stride[1]
        weight[:, :, y, x] += made.weight[:, :, ky, kx]
    synapses = Conv.over(
        conv.map,
        conv.filters,
        (spans[0], spans[1]),
        (conv.stride[0] * pool.step[0], conv.stride[1] * pool.step[1]),
        conv.padding,
        (1, 1),
        conv.groups,
    )
    places = prod(pool.size)
    average = 1.0 / places if node.type == "AvgPool2d" else 1.0
    folded = dataclasses.replace(
        made, synapses=synapses, weight=weight * average, bias=made.bias * places * average
    )
    _check(folded)
    return folded


def _behind(made: Weights, pool: _Window, node: Node) -> Weights:
    """The same weights seen through the pool: what they make of its inputs, and exactly that."""
    average = 1.0 / prod(pool.size) if node.type == "AvgPool2d" else 1.0
    if isinstance(made.synapses, Dense):
        return _dense_behind(made, pool, node, average)
    conv = made.synapses
    assert isinstance(conv, Conv)
    spans = [(conv.kernel[i] - 1) * conv.dilation[i] * pool.step[i] + pool.size[i] for i in (0, 1)]
    weight: np.ndarray = np.zeros((*made.weight.shape[:2], *spans))
    for ky, kx in np.ndindex(*conv.kernel):
        y, x = (k * conv.dilation[i] * pool.step[i] for i, k in enumerate((ky, kx)))
        weight[:, :, y : y + pool.size[0], x : x + pool.size[1]] += made.weight[:, :, ky, kx, None, None]
    synapses = Conv.over(
        pool.map,
        conv.filters,
        (spans[0], spans[1]),
        (conv.stride[0] * pool.step[0], conv.stride[1] * pool.step[1]),
        (
            conv.padding[0] * pool.step[0] + pool.border[0],
            conv.padding[1] * pool.step[1] + pool.border[1],
        ),
        (1, 1),
        conv.groups,
    )
    folded = Weights(made.node, synapses, weight * average, made.bias)
    _check(folded)
    return folded


def _dense_behind(made: Weights, pool: _Window, node: Node, average: float) -> Weights:
    (rows, columns), (height, width, channels) = pool.places, pool.map
    outputs = len(made.weight)
    if made.synapses.inputs != rows * columns * channels:
        raise made.node.refuse(
            f"it takes {made.synapses.inputs} inputs, {node} gives {rows * columns * channels}"
        )
    pooled = made.weight.reshape(outputs, rows, columns, channels)
    # With the border around it, which is cut off again.
    wide: np.ndarray = np.zeros((outputs, height + 2 * pool.border[0], width + 2 * pool.border[1], channels))
    for y, x in np.ndindex(*pool.size):
        ends = y + rows * pool.step[0], x + columns * pool.step[1]
        wide[:, y : ends[0] : pool.step[0], x : ends[1] : pool.step[1]][:, :rows, :columns] += pooled
    (top, left), inputs = pool.border, height * width * channels
    if inputs > MAX_ADDRESS + 1:
        raise out_of_range(f"{node} inputs", inputs, f"at most {MAX_ADDRESS + 1}")
    inner = wide[:, top : top + height, left : left + width].reshape(outputs, inputs)
    return Weights(made.node, Dense(inputs, outputs), inner * average, made.bias)


def _check(made: Weights) -> None:
    """Refuse, by the node's name, a convolution that does not fit its map."""
    try:
        made.synapses.check(made.weight, made.synapses.inputs, "it")
    except TwinspikeError as error:
        raise made.node.refuse(str(error)) from None


def _told(seen: tuple[int, ...] | None) -> str:
    return "a map of unknown shape" if seen is None else f"a map of shape {list(seen)}"
