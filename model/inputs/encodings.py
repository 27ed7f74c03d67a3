"""The spike encodings in torch, bit-equal to their definitions in ``twinspike.numerics.encodings``.

They run where the images are, so that training encodes every augmented batch on the GPU if there is one.
"""

from functools import singledispatch
from math import prod

import torch

from ...numerics import encodings as definition
from ...numerics.encodings import Encoding, check_images


def encode(encoding: Encoding, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    """uint8 images [B, *shape] -> float32 spikes [T, B, addresses] on the images' device.

    They are 0 or 1, or how often an address spikes with the graded encoding.

    Raises TwinspikeError for another dtype or T outside 1..255.
    """
    when = spike_steps(encoding, images, timesteps)
    return several_spikes(encoding, images, timesteps) if when is None else dense_spikes(when, timesteps)


def dense_spikes(when: torch.Tensor, timesteps: int) -> torch.Tensor:
    """The float32 spikes [T, B, addresses] of :func:`spike_steps`."""
    step = torch.arange(timesteps, dtype=torch.uint8, device=when.device)
    return (step[:, None, None] == when).float()


def spike_steps(encoding: Encoding, images: torch.Tensor, timesteps: int) -> torch.Tensor | None:
    """uint8 [B, addresses]: the step of each address's one spike, `timesteps` if it is silent.

    None for an encoding with several spikes per address. Raises as :func:`encode` does.
    """
    check_images(images.dtype == torch.uint8, images.dtype, tuple(images.shape), timesteps, 255)
    if not isinstance(encoding, definition.OneSpike):
        return None
    steps = _steps(encoding, images, timesteps).to(torch.uint8)
    return steps.clamp_(max=timesteps - 1) if encoding.dense else steps


@singledispatch
def _steps(encoding: Encoding, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    """Steps [B, addresses] of an integer type that holds them: see :func:`spike_steps`."""
    raise NotImplementedError(f"encoding {encoding.kind!r} has no torch twin")


@_steps.register
def _latency_steps(encoding: definition.Latency, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    # Bytes are several times as quick as words.
    x = images.reshape(len(images), prod(images.shape[1:]))
    when = (255 - x).to(torch.int32).mul_(timesteps).bitwise_right_shift_(8).to(torch.uint8)
    return when.masked_fill_(x < encoding.threshold, timesteps)


@_steps.register
def _threshold_steps(encoding: definition.Threshold, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    x = _flat(images)
    return torch.where(x >= encoding.threshold, torch.zeros_like(x), timesteps)


@_steps.register
def _rank_order_steps(encoding: definition.RankOrder, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    x = _flat(images)
    order = torch.argsort(255 - x, dim=1, stable=True)
    ranks = torch.arange(x.shape[1], dtype=torch.int32, device=x.device).expand_as(x)
    rank = torch.empty_like(x).scatter_(1, order, ranks)
    foreground = x >= encoding.threshold
    count = foreground.sum(dim=1, keepdim=True, dtype=torch.int32).clamp(min=1)
    return torch.where(foreground, rank * timesteps // count, timesteps)


@_steps.register
def _on_off_steps(encoding: definition.OnOff, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    x = images.to(torch.int32)
    inside = _box_sum(torch.ones_like(x[:1]), encoding.radius)
    difference = x * inside - _box_sum(x, encoding.radius)
    contrast = difference.abs() // (inside - 1).clamp(min=1)
    when = torch.where(contrast >= encoding.threshold, _latency(contrast, timesteps), timesteps)
    pixels = prod(x.shape[1:])
    on = torch.where(difference > 0, when, timesteps).reshape(len(x), pixels)
    off = torch.where(difference < 0, when, timesteps).reshape(len(x), pixels)
    return torch.cat([on, off], dim=1)


@singledispatch
def several_spikes(encoding: Encoding, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    """float32 spikes [T, B, addresses] where an address has several; images must have been checked."""
    raise NotImplementedError(f"encoding {encoding.kind!r} has no torch twin")


@several_spikes.register
def _graded_spikes(encoding: definition.Graded, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    x = _flat(images)
    spikes = torch.zeros(timesteps, *x.shape, device=x.device)
    spikes[0] = x >> (8 - encoding.bits)
    return spikes


@several_spikes.register
def _timed_spikes(encoding: definition.Timed, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    definition.check_frames(tuple(images.shape), int(images.max()) if images.numel() else 0, timesteps)
    return images.reshape(len(images), timesteps, -1).transpose(0, 1).float()


@several_spikes.register
def _rate_spikes(encoding: definition.Rate, images: torch.Tensor, timesteps: int) -> torch.Tensor:
    x = _flat(images).long()
    address = torch.arange(x.shape[1], device=x.device)
    content = _mix32(256 * address + x).sum(dim=1, keepdim=True)
    pixel = _mix32(_mix32(content + encoding.seed) + address)
    limit = x * (encoding.peak << 32)
    draws = (_mix32(pixel + t) for t in range(timesteps))
    spikes = torch.stack([(draw * 25500 < limit).float() for draw in draws])
    if encoding.dense:
        spikes[-1] = torch.maximum(spikes[-1], 1 - spikes.amax(0))
    return spikes


def _mix32(x: torch.Tensor) -> torch.Tensor:
    """`numerics.encodings.mix32` of the low 32 bits of int64 words; products stay below 2^63."""
    low = 0xFFFF_FFFF
    x = x & low
    x = ((x ^ (x >> 16)) * 0x21F0AAAD) & low
    x = ((x ^ (x >> 15)) * 0x735A2D97) & low
    return x ^ (x >> 15)


def _flat(images: torch.Tensor) -> torch.Tensor:
    return images.reshape(len(images), prod(images.shape[1:])).to(torch.int32)


def _latency(strength: torch.Tensor, timesteps: int) -> torch.Tensor:
    return ((255 - strength) * timesteps) >> 8


def _box_sum(x: torch.Tensor, radius: int) -> torch.Tensor:
    for axis in range(max(1, x.ndim - 2), x.ndim):
        edge = list(x.shape)
        edge[axis] = radius
        zeros = x.new_zeros(edge)
        padded = torch.cat([zeros, x, zeros], dim=axis)
        x = padded.unfold(axis, 2 * radius + 1, 1).sum(dim=-1, dtype=torch.int32)
    return x
