"""The study's distances against their definitions, and the centres against what they must minimise."""

import math

import pytest
import torch
from scipy.stats import wasserstein_distance

from twinspike.model.loss.distances import class_centres, distance_matrix, feature_distance, features
from twinspike.model.settings import DISTANCES

T, N, TAU = 9, 5, 2.0


def trains(batch: int, seed: int = 0) -> torch.Tensor:
    return (torch.rand(T, batch, N, generator=torch.Generator().manual_seed(seed)) < 0.3).float()


def one(*steps: int) -> torch.Tensor:
    spikes = torch.zeros(T, 1, 1)
    spikes[list(steps)] = 1
    return spikes


def between(kind: str, a: torch.Tensor, b: torch.Tensor) -> float:
    return distance_matrix(kind, a, b, TAU).item()


@pytest.mark.parametrize("kind", DISTANCES)
def test_features_give_the_same_distances_as_the_loss_and_they_are_metrics(kind):
    a, b = trains(6), trains(4, seed=1)
    matrix = distance_matrix(kind, a, b, TAU)
    found = feature_distance(kind, features(kind, a, TAU), features(kind, b, TAU))
    torch.testing.assert_close(matrix, found, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(distance_matrix(kind, b, a, TAU), matrix.T, atol=1e-5, rtol=1e-5)
    assert distance_matrix(kind, a, a.clone(), TAU).diagonal().abs().max() < 1e-3
    assert matrix.min() > 0 and matrix.max() <= (T + 1) / 2


@pytest.mark.parametrize("kind", DISTANCES)
def test_gradients_reach_the_spikes_and_are_finite_for_equal_trains(kind):
    spikes = trains(4)
    spikes[:, 1] = spikes[:, 0]
    spikes.requires_grad_()
    distance_matrix(kind, spikes, spikes, TAU).square().sum().backward()
    assert torch.isfinite(spikes.grad).all() and spikes.grad.abs().sum() > 0


def test_normalised_emd_ignores_the_rate_and_puts_empty_trains_at_the_end():
    a, b, empty = one(1, 3, 5), one(3), one()
    expected = wasserstein_distance([1, 3, 5], [3])
    assert between("emd-normalised", a, b) * T == pytest.approx(expected, abs=1e-6)
    assert between("emd-normalised", empty, b) * T == pytest.approx(T - 1 - 3)
    assert between("emd-normalised", empty, empty) == 0


def test_spike_count_sees_no_timing():
    assert between("spike-count", one(0, 1), one(7, 8)) == 0
    assert between("spike-count", one(0, 1, 2), one(7)) == pytest.approx(2 / T)


def test_van_rossum_is_the_distance_of_exponentially_filtered_trains():
    decay = math.exp(-1 / TAU)
    # A spike at step 2 against silence: a trace of decay^0 ... decay^6 from there to the end.
    square = sum(decay ** (2 * k) for k in range(T - 2))
    expected = (1 - decay) * math.sqrt(square / T)
    assert between("van-rossum", one(2), one()) == pytest.approx(expected, rel=1e-5)
    assert between("van-rossum", one(2), one(3)) < between("van-rossum", one(2), one(6))


@pytest.mark.parametrize("kind", DISTANCES)
def test_no_other_point_is_a_better_centre(kind):
    vectors, labels = features(kind, trains(30), TAU), torch.arange(30) % 2
    centres = class_centres(kind, vectors, labels)
    power = 1 if kind.startswith("emd") else 2

    def cost(centre: torch.Tensor) -> float:
        return feature_distance(kind, vectors[labels == 1], centre[None]).pow(power).sum().item()

    best = cost(centres[1])
    assert all(cost(vector) >= best - 1e-4 for vector in vectors)
