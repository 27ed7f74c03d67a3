"""The weights of a NIR graph's layers, with what stands around them: pools, scales and delays.

Scales are multiplied into the weights beside them, and pools are folded into them where nothing is lost by
that; other pools, and delays of whole steps, stay stages of the core.
"""

import dataclasses

import numpy as np

from .nir_channels import by_channel, channel_values
from .nir_delay import delayed_weights
from .nir_graph import Node, Part
from .nir_pools import before_folded, behind_folded, behind_kept, folds, pool_window
from .nir_weights import Weights, conv_weights, dense_weights, told
from .synapses.conv import Conv
from .synapses.maps import Map


def layer_weights(part: Part, shape: tuple[int, ...] | None, dt: float) -> Weights:
    """The weights of a part of a chain behind a map of `shape` (None: not known).

    `shape` is that of the graph's input, channel-first (C, H, W), (C, N) or (N,), or of the layer before,
    channel-last (H, W, C) or (N,): see `channel_last`; `dt` are a step's seconds. Raises
    TwinspikeError naming node and parameter.
    """
    node = part.weights
    windows, gains, seen = [], [], shape
    if any(before.type == "Delay" for before in part.before):
        return _followed(delayed_weights(part, shape, dt), part)
    for before in part.before:
        if before.type == "Scale":
            gains.append((before, seen))
            continue
        if seen is None or len(seen) != 3:
            raise before.refuse(f"it sees {told(seen)}: a pool needs a map of channels, rows and columns")
        map_: Map = (seen[0], seen[1], seen[2])
        windows.append((before, pool_window(before, map_)))
        seen = (*windows[-1][1].places, map_[2])
    made = dense_weights(node, seen) if node.type in ("Affine", "Linear") else conv_weights(node, seen)
    for before, at in reversed(gains):
        made = _scaled_inputs(made, before, at)
    for before, window in reversed(windows):
        # Behind a pool that stays, others stay as well.
        stays = bool(made.pools) or not folds(made, window)
        made = behind_kept(made, window, before) if stays else behind_folded(made, window, before)
    return _followed(made, part)


def _followed(made: Weights, part: Part) -> Weights:
    """The weights with the nodes between them and their neurons folded in."""
    for after in part.after:
        if after.type == "Scale":
            gain = channel_values(after, "scale", made.synapses)
            made = dataclasses.replace(
                made, weight=made.weight * by_channel(gain, made.weight), bias=made.bias * gain
            )
        else:
            made = before_folded(made, after)
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
