"""Layers of several sources, and layers that share weights, in torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ...numerics.errors import out_of_range
from ...quant.layers.base import QuantLayer
from ..inputs.events import Events
from ..inputs.trains import written

if TYPE_CHECKING:
    from torch import nn


def combined(trains: Sequence[Tensor | Events], how: str) -> Tensor | Events:
    """What a layer sees of its sources' spikes [T, B, N], as the golden model has it.

    "add" adds multiplicities. "and" and "iand" ("and not") are products, and so are their gradients (Fang
    et al., "Deep Residual Learning in Spiking Neural Networks", arXiv 2102.04159); what spikes several times
    in a step counts once there.
    """
    if len(trains) == 1:
        return trains[0]
    dense = [written(train) if isinstance(train, Tensor) else train.as_tensor() for train in trains]
    if how == "add":
        return torch.stack(dense).sum(0)
    first, *others = (train.clamp(max=1) for train in dense)
    for other in others:
        first = first * (1 - other if how == "iand" else other)
    return first


def may_add_up(how: str, several: Sequence[bool]) -> bool:
    """Whether an input may spike more than once a step, for sources of which each may or may not."""
    return several[0] if len(several) == 1 else how == "add"


def share_weights(made: QuantLayer, layers: Sequence[nn.Module], index: int) -> None:
    """Give layer `index`, the last of `layers`, the weights of another if it is to share them.

    Raises TwinspikeError if that is no layer before it, or one without weights of that shape.
    """
    of, where = made.wiring.weights_of, f"layers.{index}"
    if of is None:
        return
    owner = getattr(layers[of], "synapses", None) if of < index else None
    if owner is None:
        expected = f"a layer before it with weights of its own, 0..{index - 1}"
        raise out_of_range(f"{where}.weights_of", of, expected)
    made.share(owner, of, where)
