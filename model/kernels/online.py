"""Training image by image on firing times, by the kernel of online.cpp."""

import ctypes
import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from .conv import Window
from .native import call


@dataclasses.dataclass(frozen=True)
class Stage:
    """A layer as it learns: weight [channels, kh, kw, own], which changes, and what it counts as.

    `inverse` is one over the scale of each filter's weights, of which `limit` is the largest integer; `sign`:
    they are signs alone. `threshold` is each filter's. An error of 1 changes a weight by `rate`.
    """

    window: Window
    weight: Tensor
    inverse: Tensor
    threshold: Tensor
    limit: float
    sign: bool
    rate: float


class _Stage(ctypes.Structure):
    _fields_ = (
        ("window", Window),
        *((name, ctypes.c_void_p) for name in ("weight", "inverse", "threshold", "scale")),
        *((name, ctypes.c_float) for name in ("limit", "rate")),
        ("sign", ctypes.c_int64),
    )


class _Way(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_float) for name in ("gap", "rise"))


def online(
    stages: Sequence[Stage], when: Tensor, labels: Tensor, steps: int, *, gap: float, rise: float
) -> tuple[Tensor, Tensor]:
    """Train on images one after the other: uint8 steps [B, A] of their spikes, labels [B].

    `steps` stands for silence. Returns float64 [depth + 1], the sums over the images of each layer's spikes
    and of half the squared error, and float32 [depth], the sums of what errors make of each layer's scale.
    """
    figures = torch.zeros(len(stages) + 1, dtype=torch.float64)
    scales = torch.zeros(len(stages))
    found = (_Stage * len(stages))(*(_stage(x, scales[i:]) for i, x in enumerate(stages)))
    way = _Way(gap, rise)
    call("online", found, len(stages), when.contiguous(), labels.contiguous(), figures, way, steps, len(when))
    return figures, scales


def _stage(stage: Stage, scale: Tensor) -> _Stage:
    given = (stage.weight, stage.inverse, stage.threshold, scale)
    assert all(x.is_contiguous() and x.dtype == torch.float32 for x in given)
    pointers = (x.data_ptr() for x in given)
    return _Stage(stage.window, *pointers, stage.limit, stage.rate, stage.sign)
