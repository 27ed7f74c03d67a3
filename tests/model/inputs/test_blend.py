"""Samples between two of a class: where their spikes lie, and whom a batch blends."""

import numpy as np
import pytest
import torch

from twinspike.model.inputs.blend import ONE, blended, pixels_between, spikes_between
from twinspike.model.inputs.inputs import TrainingInputs
from twinspike.model.settings import TrainingSettings
from twinspike.numerics.encodings import Latency, Spikes


def trains(seed: int, count: int = 40, steps: int = 9) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(count, steps, 3, 2, generator=generator) < 0.4).to(torch.uint8)


def distance(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    """EMD of each sample of a and the same of b."""
    counts = [x.flatten(2).cumsum(1).numpy().astype(np.int64) for x in (a, b)]
    return np.abs(counts[0] - counts[1]).sum((1, 2))


def test_spikes_between_lie_on_the_shortest_way():
    """Distances to both ends add up to theirs, and have the shares asked for but for rounding."""
    first, second = trains(1), trains(2)
    for share in (64, 128, 200):
        between = spikes_between(first, second, torch.full((40,), share))
        assert between.dtype == torch.uint8 and between.max() == 1
        whole, begun = distance(first, second), distance(first, between)
        assert np.array_equal(begun + distance(between, second), whole)
        assert abs(begun.sum() / whole.sum() - share / ONE) < 0.1


def test_no_share_is_the_first_and_all_of_it_the_second():
    first, second = trains(1), trains(2)
    assert torch.equal(spikes_between(first, second, torch.zeros(40, dtype=torch.int64)), first)
    assert torch.equal(spikes_between(first, second, torch.full((40,), ONE)), second)
    grey = torch.tensor([[0, 255, 10]], dtype=torch.uint8), torch.tensor([[255, 0, 20]], dtype=torch.uint8)
    assert pixels_between(*grey, torch.tensor([64])).tolist() == [[64, 191, 13]]


def test_partners_are_others_of_the_class():
    """Classes have pixels of their own; whoever is alone stays, and so does all without probability."""
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    pixels = torch.tensor([[10, 0], [50, 0], [90, 0], [0, 10], [0, 90], [7, 7]], dtype=torch.uint8)
    draws = [
        blended(pixels, labels, 1.0, torch.Generator().manual_seed(seed), spikes=False) for seed in range(60)
    ]
    found = torch.stack(draws)
    assert (found[:, :3, 1] == 0).all() and (found[:, 3:5, 0] == 0).all() and (found[:, 5] == 7).all()
    assert found[:, 0, 0].min() < 20 and found[:, 0, 0].max() > 70 and len(found[:, 0, 0].unique()) > 20
    assert torch.equal(blended(pixels, labels, 0.0, torch.Generator(), spikes=False), pixels)
    half = torch.stack(
        [
            blended(pixels, labels, 0.5, torch.Generator().manual_seed(seed), spikes=False)
            for seed in range(60)
        ]
    )
    assert 0.3 < (half[:, :5] != pixels[:5]).any(2).float().mean() < 0.6


def test_a_part_of_a_batch_is_blended_as_in_the_whole():
    labels = torch.arange(40) % 4
    whole, part = (
        blended(trains(3), labels, 0.8, torch.Generator().manual_seed(7), spikes=True, own=own)
        for own in (slice(None), slice(5, 9))
    )
    assert torch.equal(part, whole[5:9])


@pytest.mark.parametrize("encoding", [Latency(), Spikes()])
def test_training_draws_blended_batches(encoding):
    samples = trains(4) if encoding.kind == "spikes" else trains(4)[:, 0] * 200
    inputs = TrainingInputs(samples, torch.arange(40) % 4, encoding, 9, TrainingSettings(blend=1.0))
    assert inputs.when is None
    first, again, other = (
        inputs.batch(torch.arange(40), torch.Generator().manual_seed(seed)).as_tensor() for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
