"""Delays of a NIR graph before a layer's weights: whole steps, for each input its own."""

import dataclasses
from math import prod

import numpy as np

from .nir_graph import Node, Part
from .nir_weights import Weights, dense_weights
from .synapses.delay import MAX_DELAY, Delay


def delayed_weights(part: Part, shape: tuple[int, ...] | None, dt: float) -> Weights:
    """The dense weights of a part of a chain behind delays of whole steps.

    `shape` is channel-last, None where it is not known; `dt` are a step's seconds. Raises TwinspikeError
    naming node and parameter.
    """
    node, first = part.weights, part.before[0]
    for before in part.before:
        if before.type != "Delay":
            raise before.refuse("beside a Delay no other node can stand before a layer's weights")
    if node.type not in ("Affine", "Linear"):
        raise first.refuse(f"{node} follows it: a delay is mapped before Affine and Linear weights only")
    made = dense_weights(node, shape)
    inputs = made.synapses.inputs
    seen = shape if shape is not None and prod(shape) == inputs else (inputs,)
    stages = tuple(Delay.over(seen, delay_steps(before, seen, dt)) for before in part.before)
    return dataclasses.replace(made, pools=stages)


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
