"""Pools of a NIR graph beside a layer's weights: folded into them, or kept as a pool of the core.

A sum pool has no neurons: it is folded into the weights beside it, whose kernel it makes larger, and an
average is the same with weights divided by the size of its window. Nothing is approximated by that, since
both are linear and spikes pass a pool in their step. One that cannot be folded, since it drops rows that a
border of the convolution behind it would bring back, stays a pool of the core.
"""

import dataclasses
from math import prod

import numpy as np

from ..numerics.errors import out_of_range
from ..numerics.events import MAX_ADDRESS
from .nir_graph import Node
from .nir_weights import Weights, check_fit, whole_numbers
from .synapses.conv import Conv
from .synapses.dense import Dense
from .synapses.maps import Map, Pair
from .synapses.pool import Pool


@dataclasses.dataclass(frozen=True)
class Window:
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


def pool_window(node: Node, map_: Map) -> Window:
    """The window of a pool node that sees the map. Raises TwinspikeError if it does not suit it."""
    size = whole_numbers(node, "kernel_size", 2, 1, None)
    step = whole_numbers(node, "stride", 2, 1, None) if node.fields.get("stride") is not None else size
    border = whole_numbers(node, "padding", 2, 0, 0)
    made = Window(map_, (size[0], size[1]), (step[0], step[1]), (border[0], border[1]))
    if min(made.places) < 1 or any(border[i] * 2 > size[i] for i in (0, 1)):
        raise node.refuse(f"its window {list(size)} with a border of {list(border)} does not suit {map_}")
    return made


def folds(made: Weights, pool: Window) -> bool:
    """Whether weights can stand in front of the pool: a border sees nothing that the pool does not."""
    conv = made.synapses
    return not isinstance(conv, Conv) or all(not conv.padding[i] or pool.tiles(i) for i in (0, 1))


def behind_kept(made: Weights, pool: Window, node: Node) -> Weights:
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


def behind_folded(made: Weights, pool: Window, node: Node) -> Weights:
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
    check_fit(folded)
    return folded


def _dense_behind(made: Weights, pool: Window, node: Node, average: float) -> Weights:
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


def before_folded(made: Weights, node: Node) -> Weights:
    """Weights whose currents are pooled by `node`: one convolution, of a wider step and a larger kernel."""
    conv = made.synapses
    if not isinstance(conv, Conv):
        raise node.refuse(f"it stands between {made.node}, which makes no map, and its neurons")
    pool = pool_window(node, conv.shape)
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
    check_fit(folded)
    return folded
