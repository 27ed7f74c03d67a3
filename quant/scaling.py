"""Neurons in another scale: layers of one threshold, which `export-nir` writes, in whole numbers again.

Dividing a neuron's weights, bias and threshold by one number changes none of its spikes.
"""

import dataclasses

import numpy as np

from .floating import FloatLayer
from .nir_channels import by_channel

# What is nearer to a whole number than this is one that went through 32 bits.
WHOLE = 2e-5
# How far below its integer a threshold is written for neurons of real numbers: less than 1, so that it
# stands for that integer; much, because the core's leak, rounded down, takes less from a membrane than the
# real one; and no binary fraction, so that no membrane equals it and `>` and `>=` mean the same.
BELOW = 11 / 12
# Likewise of a threshold, and the largest that can be told so.
NEAR_THRESHOLD = 1e-3
LARGEST_TRIED = 4096


def in_scale(layer: FloatLayer, scale: np.ndarray) -> FloatLayer:
    """The layer, its neurons divided by `scale` [channels], and what is whole but for rounding, whole."""

    def whole(values: np.ndarray) -> np.ndarray:
        near = np.round(values)
        return np.where(np.abs(values - near) < WHOLE, near, values)

    return dataclasses.replace(
        layer,
        weight=whole(layer.weight / by_channel(scale, layer.weight)),
        bias=whole(layer.bias / scale),
        threshold=layer.threshold / scale,
    )


def whole_scales(layer: FloatLayer, limit: int) -> np.ndarray | None:
    """Scales [channels] that make weights and biases whole, and thresholds BELOW short of it; or None.

    So are the graphs that `export-nir` writes, whose layers have one threshold, when another tool has
    passed them on without their metadata. Of several scales the one of the smallest weights is taken.
    """
    found = np.zeros(layer.channels)
    largest = np.abs(layer.weight).reshape(layer.channels, -1).max(axis=1)
    for top in range(1, limit + 1):
        scale = np.where(largest > 0, largest / top, 1.0)
        _take(layer, scale, (found == 0) & (largest > 0), found)
    for threshold in range(1, LARGEST_TRIED + 1):
        open_ = (found == 0) & (largest == 0)
        if not open_.any():
            break
        _take(layer, layer.threshold / (threshold - BELOW), open_, found)
    return found if (found > 0).all() else None


def _take(layer: FloatLayer, scale: np.ndarray, rows: np.ndarray, found: np.ndarray) -> None:
    """Note `scale` for those of the `rows` in which it makes everything whole."""
    threshold = layer.threshold / scale + BELOW
    near = np.abs(threshold - np.round(threshold)) < NEAR_THRESHOLD
    rows = np.flatnonzero(rows & near & (threshold < LARGEST_TRIED + 1))
    weight = layer.weight.reshape(layer.channels, -1)
    values = np.column_stack([weight[rows], layer.bias[rows]]) / scale[rows, None]
    fits = (np.abs(values - np.round(values)) < WHOLE).all(axis=1)
    found[rows[fits]] = scale[rows[fits]]
