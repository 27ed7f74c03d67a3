"""Random augmentation, each image its own: affine transformation, thickness, brightness and lost pixels."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from ...numerics.errors import TwinspikeError
from ..settings import TrainingSettings


def wanted(settings: TrainingSettings) -> bool:
    """Whether the settings ask for any augmentation."""
    return _moves(settings) or any((settings.thickness, settings.brightness, settings.drop))


def augmented(
    images: Tensor,
    settings: TrainingSettings,
    generator: torch.Generator,
    *,
    batch: int | None = None,
    own: slice = slice(None),
) -> Tensor:
    """uint8 images [B, *shape] moved, thickened, dimmed and with pixels lost, as the settings ask.

    Draws come from `generator` (on the CPU, whatever the images' device) in a fixed order, so that
    a run can be repeated. `images` may be the part `own` of a batch of `batch`: they are changed as
    they would be with the others. On images that are not square the angles are those of a square one.
    """
    count = len(images) if batch is None else batch
    if _moves(settings):
        images = _moved(images, _matrices(count, settings, generator)[own].to(images.device))
    if settings.thickness:
        draw, share = torch.rand(2, count, generator=generator)[:, own]
        images = _thickened(images, draw, share, settings)
    if settings.brightness:
        factor = 1 + (torch.rand(count, generator=generator)[own] * 2 - 1) * settings.brightness
        factor = factor.to(images.device).view(-1, *[1] * (images.ndim - 1))
        images = (images * factor).round_().clamp_(max=255).to(torch.uint8)
    if settings.drop:
        lost = torch.rand(count, *images.shape[1:], generator=generator)[own] < settings.drop
        images = images.masked_fill(lost.to(images.device), 0)
    return images


def _moves(settings: TrainingSettings) -> bool:
    return any((settings.rotation, settings.scale, settings.shift, settings.shear, settings.flip))


def _moved(images: Tensor, matrix: Tensor) -> Tensor:
    """uint8 images [B, H, W], [B, H, W, C] or spikes [B, T, H, W, C] transformed by [B, 2, 3].

    Zeros come in; all channels and steps of a sample move alike. Pixels are bilinear; of spikes the nearest
    one is taken, step and all, so that none is lost between places that spike in different steps.
    """
    planes = _planes(images)
    mode = "nearest" if images.ndim == 5 else "bilinear"
    grid = _grid(matrix, *planes.shape[2:])
    moved = functional.grid_sample(planes.float(), grid, mode=mode, align_corners=False)
    return _unplanes(moved.round().to(torch.uint8), images.shape)


def _thickened(images: Tensor, draw: Tensor, share: Tensor, settings: TrainingSettings) -> Tensor:
    """Images whose `draw` [B] is below the probability: each pixel at least `share` [B] of its brightest
    neighbour among the eight around it."""
    share = torch.where(draw < settings.thickness, share, 0.0).to(images.device).view(-1, 1, 1, 1)
    planes = _planes(images).float()
    around = functional.max_pool2d(planes, 3, stride=1, padding=1)
    thick = planes.maximum((around * share).round_()).to(torch.uint8)
    return _unplanes(thick, images.shape)


def _planes(images: Tensor) -> Tensor:
    """[B, H, W], [B, H, W, C] or [B, T, H, W, C] as planes [B, C or T * C, H, W]."""
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4:
        return images.permute(0, 3, 1, 2)
    if images.ndim == 5:
        return images.permute(0, 1, 4, 2, 3).flatten(1, 2)
    raise TwinspikeError(
        "training.rotation, scale, shift, shear, flip and thickness change images [H, W], [H, W, C] or "
        f"spikes [T, H, W, C]: samples of {list(images.shape[1:])} have no neighbours, leave them 0"
    )


def _unplanes(planes: Tensor, shape: torch.Size) -> Tensor:
    """The inverse of :func:`_planes`."""
    if len(shape) == 3:
        return planes[:, 0]
    if len(shape) == 4:
        return planes.permute(0, 2, 3, 1)
    return planes.unflatten(1, (shape[1], shape[4])).permute(0, 1, 3, 4, 2)


def _grid(matrix: Tensor, height: int, width: int) -> Tensor:
    """Where each output pixel looks [B, H, W, 2]: functional.affine_grid, without its slow small products."""
    y = ((torch.arange(height, device=matrix.device) * 2 + 1) / height - 1).repeat_interleave(width)
    x = ((torch.arange(width, device=matrix.device) * 2 + 1) / width - 1).repeat(height)
    spots = matrix.flatten(0, 1) @ torch.stack([x, y, torch.ones_like(x)])
    return spots.view(len(matrix), 2, height, width).permute(0, 2, 3, 1)


def _matrices(count: int, settings: TrainingSettings, generator: torch.Generator) -> Tensor:
    """Rotation * shear * scale with a shift [B, 2, 3], mapping output to input coordinates (-1..1)."""
    draws = torch.rand(6, count, generator=generator) * 2 - 1
    angle = draws[0] * math.radians(settings.rotation)
    width, height = 1 + draws[1] * settings.scale, 1 + draws[2] * settings.scale
    shear = draws[3] * settings.shear
    if settings.flip:
        width = torch.where(torch.rand(count, generator=generator) < settings.flip, -width, width)
    cos, sin = angle.cos(), angle.sin()
    rows = (
        cos * width,
        (cos * shear - sin) * height,
        draws[4] * settings.shift,
        sin * width,
        (sin * shear + cos) * height,
        draws[5] * settings.shift,
    )
    return torch.stack(rows, 1).view(count, 2, 3)
