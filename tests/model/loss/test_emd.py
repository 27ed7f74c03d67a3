"""EMD in torch against numpy's integers, scipy's Wasserstein distance and cdist's gradient."""

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from twinspike.model.loss.emd import cumulative_counts, emd, emd_matrix
from twinspike.numerics import emd as reference

T, N = 9, 5


def trains(batch: int, density: float = 0.3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(T, batch, N, generator=generator) < density).float()


@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 1.0])
def test_equals_the_integer_distance(density):
    a, b = trains(12, density), trains(7, 0.3, seed=1)
    counts = [reference.cumulative_counts(x.numpy().astype(bool)) for x in (a, b)]
    expected = np.array(
        [[reference.emd(counts[0][:, i], counts[1][:, j]) for j in range(7)] for i in range(12)]
    )
    assert np.array_equal(emd_matrix(a, b).numpy(), expected)
    assert np.array_equal(emd(a[:, :7], b).numpy(), np.diagonal(expected))


def test_equals_wasserstein_for_equal_counts():
    rng = np.random.default_rng(0)
    for _ in range(50):
        k = rng.integers(1, T + 1)
        steps = [rng.choice(T, size=k, replace=False) for _ in range(2)]
        a, b = torch.zeros(T, 1, 1), torch.zeros(T, 1, 1)
        a[steps[0]], b[steps[1]] = 1, 1
        assert emd(a, b).item() == pytest.approx(k * wasserstein_distance(*steps), abs=1e-9)


def test_moving_one_spike_by_one_step_costs_one():
    a = torch.zeros(T, 1, N)
    b = a.clone()
    a[3, 0, 2], b[4, 0, 2] = 1, 1
    assert emd(a, b).item() == 1
    # A surplus spike is moved to the end of the window: from step 3 that is T - 3 steps.
    assert emd(a, torch.zeros_like(a)).item() == T - 3


def test_is_a_metric():
    x = trains(20, 0.4)
    d = emd_matrix(x, x)
    assert torch.equal(d, d.T) and d.diagonal().abs().max() == 0
    assert (d[:, :, None] + d[None] >= d[:, None, :]).all()


def test_gradient_is_that_of_cdist():
    a, b = trains(13, 0.3).requires_grad_(), trains(8, 0.6, seed=1).requires_grad_()
    weights = torch.randn(13, 8, generator=torch.Generator().manual_seed(2))
    (emd_matrix(a, b) * weights).sum().backward()
    found = a.grad.clone(), b.grad.clone()
    a.grad = b.grad = None
    flat = [cumulative_counts(x).flatten(1) for x in (a, b)]
    (torch.cdist(*flat, p=1) * weights).sum().backward()
    torch.testing.assert_close(found, (a.grad, b.grad), atol=1e-4, rtol=1e-5)
