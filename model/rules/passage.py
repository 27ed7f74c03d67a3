"""An image's way through neurons that spike once, and that of its errors back, by torch's operations.

What model/kernels/firing.cpp does, for where it cannot: slower by far, equal but for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from ..kernels.firing import Stage


def by_torch(
    stages: Sequence[Stage], when: Tensor, labels: Tensor, steps: int, *, gap: float, rise: float
) -> tuple[Tensor, Tensor]:
    """The same as `model.kernels.firing.firing`."""
    figures = torch.zeros(len(stages) + 1, dtype=torch.float64)
    scales = torch.zeros(len(stages))
    for image, label in zip(when, labels.tolist(), strict=True):
        times = [image.float()]
        for stage in stages:
            times.append(_forward(stage, times[-1], steps))
        error = (target_times(times[-1], label, steps, gap) - times[-1]) / steps
        fired = [float((x < steps).sum()) for x in times[1:]]
        figures += torch.tensor([*fired, float(error.square().sum()) / 2], dtype=torch.float64)
        for index in reversed(range(len(stages))):
            squares = error.square().mean()
            if not squares:
                break
            error = error / squares.sqrt()
            before, after = times[index], times[index + 1]
            error, sign = _backward(stages[index], before, after, error, steps, rise)
            scales[index] += sign
    return figures, scales


def target_times(times: Tensor, label: int, steps: int, gap: float) -> Tensor:
    """Targets [outputs] of the outputs' steps: the label's first, the others a gap behind it."""
    first = times.min()
    wanted = torch.maximum(times, (first + gap).clamp(max=steps))
    wanted[label] = steps - gap if first == steps else first
    return wanted


def _spikes(when: Tensor, steps: int) -> Tensor:
    return (torch.arange(steps)[:, None] == when).float()


def _currents(stage: Stage, weight: Tensor, spikes: Tensor) -> Tensor:
    """Currents [T, N] of spikes [T, A] for weights [C, kh, kw, F]."""
    w = stage.window
    images = spikes.view(-1, w.height, w.width, w.channels).permute(0, 3, 1, 2)
    pairs = (tuple(x) for x in (w.stride, w.padding, w.dilation))
    return conv2d(images, weight.permute(3, 0, 1, 2), None, *pairs).permute(0, 2, 3, 1).flatten(1)


def _forward(stage: Stage, before: Tensor, steps: int) -> Tensor:
    """Steps [N] of the outputs' spikes for those [A] of the inputs'."""
    signs = (stage.weight >= 0) * 2.0 - 1
    rounded = (stage.weight * stage.inverse).round().clamp(-stage.limit, stage.limit)
    currents = _currents(stage, signs if stage.sign else rounded, _spikes(before, steps))
    over = currents.cumsum(0).unflatten(1, (-1, len(stage.threshold))) >= stage.threshold
    return (steps - over.int().cummax(0).values.sum(0)).flatten().float()


def _backward(
    stage: Stage, before: Tensor, after: Tensor, error: Tensor, steps: int, rise: float
) -> tuple[Tensor, float]:
    """Errors [A] of the inputs for those [N] of the outputs, and the scale's; adds to the gradient."""
    risen = ((after - torch.arange(steps)[:, None] + 1) / rise).clamp(0, 1)
    weight = stage.weight.clone().requires_grad_()
    spikes = _spikes(before, steps).requires_grad_()
    with torch.enable_grad():
        current = _currents(stage, weight, spikes)
        pushed, back = torch.autograd.grad(current, (weight, spikes), error * risen)
    signs = (pushed * ((stage.weight >= 0) * 2.0 - 1)).sum() / (len(error) * len(weight.flatten(0, 2)))
    stage.gradient.add_(pushed)
    return (back * spikes.detach()).sum(0), float(signs)
