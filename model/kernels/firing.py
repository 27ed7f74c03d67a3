"""Gradients of firing times, by the kernel of firing.cpp."""

import ctypes
import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from .conv import Window
from .native import call


@dataclasses.dataclass(frozen=True)
class Stage:
    """A layer as it learns: weight [channels, kh, kw, own], and the gradient that is added up.

    `inverse` is one over the scale of each filter's weights, of which `limit` is the largest integer; `sign`:
    they are signs alone. `threshold` is each filter's.
    """

    window: Window
    weight: Tensor
    gradient: Tensor
    inverse: Tensor
    threshold: Tensor
    limit: float
    sign: bool


class _Stage(ctypes.Structure):
    _fields_ = (
        ("window", Window),
        *((name, ctypes.c_void_p) for name in ("weight", "gradient", "inverse", "threshold", "scale")),
        ("limit", ctypes.c_float),
        ("sign", ctypes.c_int64),
    )


class _Way(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_float) for name in ("gap", "rise"))


def firing(
    stages: Sequence[Stage], when: Tensor, labels: Tensor, steps: int, *, gap: float, rise: float
) -> tuple[Tensor, Tensor]:
    """Add the gradients of images to those of `stages`: uint8 steps [B, A] of their spikes, labels [B].

    `steps` stands for silence. Returns float64 [depth + 1], the sums over the images of each layer's spikes
    and of half the squared error, and float32 [depth], the sums of what errors make of each layer's scale.
    """
    figures = torch.zeros(len(stages) + 1, dtype=torch.float64)
    scales = torch.zeros(len(stages))
    found = (_Stage * len(stages))(*(_stage(x, scales[i:]) for i, x in enumerate(stages)))
    way = _Way(gap, rise)
    call("firing", found, len(stages), when.contiguous(), labels.contiguous(), figures, way, steps, len(when))
    return figures, scales


def _stage(stage: Stage, scale: Tensor) -> _Stage:
    given = (stage.weight, stage.gradient, stage.inverse, stage.threshold, scale)
    assert all(x.is_contiguous() and x.dtype == torch.float32 for x in given)
    pointers = (x.data_ptr() for x in given)
    return _Stage(stage.window, *pointers, stage.limit, stage.sign)
