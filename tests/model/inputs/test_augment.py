"""Random augmentation: moved, dimmed, with pixels lost."""

import pytest
import torch

from twinspike.model.inputs.augment import _grid, augmented, wanted
from twinspike.model.settings import TrainingSettings
from twinspike.numerics.errors import TwinspikeError


def images(count: int = 6, size: int = 12) -> torch.Tensor:
    return torch.randint(0, 256, (count, size, size), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_nothing_asked_for_changes_nothing():
    assert not wanted(TrainingSettings())
    assert torch.equal(augmented(images(), TrainingSettings(), generator()), images())


def test_repeats_from_the_same_generator_and_differs_between_images():
    settings = TrainingSettings(rotation=20, scale=0.2, shift=0.2, shear=0.2)
    assert wanted(settings)
    same = images(1).expand(6, -1, -1)
    first, again = (augmented(same, settings, generator()) for _ in range(2))
    assert torch.equal(first, again)
    assert first.dtype == torch.uint8 and not torch.equal(first[0], first[1])


def test_shift_moves_by_at_most_its_share_of_half_the_image():
    dot = torch.zeros(200, 21, 21, dtype=torch.uint8)
    dot[:, 10, 10] = 255
    moved = augmented(dot, TrainingSettings(shift=0.4), generator()).float()
    grid = torch.arange(21.0)
    mass = moved.sum((1, 2))
    offsets = torch.stack([(moved.sum(1) * grid).sum(1), (moved.sum(2) * grid).sum(1)]) / mass - 10
    assert 3.0 < offsets.abs().max() <= 0.4 * 10.5 + 0.1
    assert offsets.mean(1).abs().max() < 0.6


def test_rotation_stays_within_its_angle():
    bar = torch.zeros(200, 41, 41, dtype=torch.uint8)
    bar[:, 20, 5:36] = 255
    turned = augmented(bar, TrainingSettings(rotation=30), generator()).float()
    rows, columns = torch.meshgrid(torch.arange(41.0) - 20, torch.arange(41.0) - 20, indexing="ij")
    angle = 0.5 * torch.atan2(
        2 * (turned * rows * columns).sum((1, 2)), (turned * (columns**2 - rows**2)).sum((1, 2))
    )
    degrees = angle.rad2deg().abs()
    assert 25 < degrees.max() <= 31


def test_grid_is_that_of_affine_grid():
    matrix = torch.randn(5, 2, 3, generator=generator())
    expected = torch.nn.functional.affine_grid(matrix, [5, 1, 9, 13], align_corners=False)
    torch.testing.assert_close(_grid(matrix, 9, 13), expected)


def test_flips_as_often_as_asked_and_shifts_alike_in_both_directions():
    same = images(1).expand(400, -1, -1)
    flipped = augmented(same, TrainingSettings(flip=0.25), generator())
    mirror = (flipped == same[0].flip(1)).all(2).all(1)
    assert 60 <= mirror.sum() <= 140
    assert torch.equal(flipped[~mirror], same[~mirror])
    assert wanted(TrainingSettings(flip=0.25))


@pytest.mark.parametrize("shape", [(12, 12), (30,)])
def test_brightness_is_one_factor_an_image_and_saturates(shape):
    grey = torch.full((300, *shape), 100, dtype=torch.uint8)
    dimmed = augmented(grey, TrainingSettings(brightness=0.3), generator()).flatten(1)
    assert (dimmed == dimmed[:, :1]).all()
    assert 70 <= dimmed.min() < 75 and 125 < dimmed.max() <= 130
    white = augmented(grey + 155, TrainingSettings(brightness=0.3), generator()).flatten(1)
    assert (white == 255).all(1).float().mean() > 0.4
    assert wanted(TrainingSettings(brightness=0.3))


def test_drops_as_many_pixels_as_asked_each_image_its_own():
    grey = torch.full((50, 20, 20), 100, dtype=torch.uint8)
    left = augmented(grey, TrainingSettings(drop=0.2), generator())
    assert set(left.unique().tolist()) == {0, 100}
    assert 0.18 < (left == 0).float().mean() < 0.22
    assert not torch.equal(left[0], left[1])
    assert wanted(TrainingSettings(drop=0.2))


def test_a_part_of_a_batch_is_changed_as_in_the_whole():
    settings = TrainingSettings(rotation=10, flip=0.5, brightness=0.3, drop=0.2)
    whole = augmented(images(), settings, generator())
    part = augmented(images()[2:4], settings, generator(), batch=6, own=slice(2, 4))
    assert torch.equal(part, whole[2:4])


@pytest.mark.parametrize("shape", [(6, 9, 9, 3), (6, 4, 9, 9, 2)])
def test_channels_and_steps_move_as_one(shape):
    """Every plane of a sample is moved as a sample of its own would be."""
    torch.manual_seed(0)
    images = torch.randint(0, 256 if len(shape) == 4 else 2, shape, dtype=torch.uint8)
    settings = TrainingSettings(rotation=20, shift=0.2, flip=0.5)
    moved = augmented(images, settings, torch.Generator().manual_seed(3))
    assert moved.shape == images.shape and not torch.equal(moved, images)
    for channel in range(shape[-1]):
        # Of spikes also a step: what has steps and channels is spikes, and is moved by the nearest place.
        one = slice(channel, channel + 1)
        plane = (..., channel) if len(shape) == 4 else (slice(None), slice(1, 2), ..., one)
        alone = augmented(images[plane].contiguous(), settings, torch.Generator().manual_seed(3))
        assert torch.equal(moved[plane], alone)


def test_strokes_get_thicker():
    """No pixel gets darker; beside ink some are as bright as a share of it, and nothing else changes."""
    drawing = torch.zeros(200, 9, 9, dtype=torch.uint8)
    drawing[:, 4, 4] = 200
    thick = augmented(drawing, TrainingSettings(thickness=0.5), torch.Generator().manual_seed(3))
    around = thick[:, 3:6, 3:6].flatten(1)
    assert (thick[:, 4, 4] == 200).all() and thick.sum() == around.sum()
    others = around[:, [0, 1, 2, 3, 5, 6, 7, 8]]
    assert (others == others[:, :1]).all() and (others <= 200).all()
    assert 60 < (others[:, 0] == 0).sum() < 140 and len(others[:, 0].unique()) > 50
    part = augmented(
        drawing[7:9],
        TrainingSettings(thickness=0.5),
        torch.Generator().manual_seed(3),
        batch=200,
        own=slice(7, 9),
    )
    assert torch.equal(part, thick[7:9])


def test_features_have_no_place_to_move_to():
    with pytest.raises(TwinspikeError, match=r"samples of \[7\] have no neighbours, leave them 0"):
        augmented(torch.zeros(4, 7, dtype=torch.uint8), TrainingSettings(rotation=3), torch.Generator())


def test_spikes_that_are_moved_stay_one_for_each_place_that_had_one():
    """Places that spike in different steps, moved by up to two: none falls silent or spikes twice."""
    when = (torch.arange(12)[:, None] + torch.arange(12)) % 4
    spikes = (torch.arange(4)[:, None, None] == when).to(torch.uint8)[None, ..., None].repeat(16, 1, 1, 1, 1)
    moved = augmented(spikes, TrainingSettings(shift=0.2), torch.Generator().manual_seed(1))
    assert not torch.equal(moved, spikes)
    assert (moved.sum(1)[:, 2:-2, 2:-2] == 1).all() and moved.sum(1).max() == 1
