"""Losses over a distance matrix: values worked out by hand, and that they pull and push."""

import math

import pytest
import torch

from twinspike.model.loss import losses
from twinspike.model.settings import ACTIVITY_PRICES, LOSSES, TrainingSettings

LABELS = torch.tensor([0, 0, 1, 1])
D = torch.tensor([[0.0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]])


def test_supervised_contrastive_by_hand():
    expected = 0.0
    for i, positive in enumerate([1, 0, 3, 2]):
        others = [math.exp(-D[i, j].item() / 2) for j in range(4) if j != i]
        expected -= math.log(math.exp(-D[i, positive].item() / 2) / sum(others)) / 4
    assert losses.supervised_contrastive(D, LABELS, 2.0).item() == pytest.approx(expected, rel=1e-5)


def test_supervised_contrastive_skips_examples_without_a_positive():
    alone = torch.tensor([0, 0, 1, 2])
    pairs_only = losses.supervised_contrastive(D, alone, 2.0)
    rows = -torch.log_softmax((-D / 2).masked_fill(torch.eye(4, dtype=torch.bool), -torch.inf), 1)
    assert pairs_only.item() == pytest.approx(((rows[0, 1] + rows[1, 0]) / 2).item(), rel=1e-5)
    assert losses.supervised_contrastive(D, torch.arange(4), 2.0).item() == 0


def test_supervised_contrastive_has_the_gradient_of_its_value():
    distance = torch.rand(6, 6, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    labels = torch.tensor([0, 0, 1, 1, 1, 2])
    assert torch.autograd.gradcheck(
        lambda d: losses.supervised_contrastive(d, labels, 0.3), distance.requires_grad_()
    )


def test_contrastive_by_hand():
    pull = (1 + 36) / 2
    push = ((3.5 - 2) ** 2 + (3.5 - 3) ** 2) * 2 / 8
    assert losses.contrastive(D, LABELS, 3.5).item() == pytest.approx(pull + push)


def test_triplet_by_hand():
    # (anchor, positive): (0, 1) violates with 2; (1, 0) never; (2, 3) with 0 and 1; (3, 2) with 0 and 1
    expected = ((1 - 2) + (6 - 2) + (6 - 4) + (6 - 3) + (6 - 5)) / 5 + 2
    assert losses.triplet(D, LABELS, 2.0).item() == pytest.approx(expected)
    assert losses.triplet(torch.zeros(2, 2), torch.tensor([0, 0]), 1.0).item() == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_prefers_separate_classes_and_has_a_gradient(loss):
    settings = TrainingSettings(loss=loss)
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(16) % 2
    mixed = (torch.rand(8, 16, 12, generator=generator) < 0.2).float().requires_grad_()
    apart = torch.zeros(8, 16, 12)
    apart[1, labels == 0, :6], apart[1, labels == 1, 6:] = 1, 1
    value = losses.embedding_loss(mixed, labels, settings)
    value.backward()
    assert losses.embedding_loss(apart, labels, settings) < value
    assert torch.isfinite(mixed.grad).all() and mixed.grad.abs().max() > 0


def test_activity_costs_only_beyond_the_target():
    quiet, busy = torch.zeros(8, 4, 10), torch.ones(8, 4, 10)
    assert losses.activity_penalty([quiet], [0.3]).item() == 0
    assert losses.activity_penalty([quiet, busy], [0.5, 0.5]).item() == pytest.approx(7.5)
    assert losses.activity_penalty([busy, busy, busy], [0.5, 3.0, None]).item() == pytest.approx(12.5)
    assert losses.activity_penalty([], []).item() == 0


def test_squares_cost_only_where_neurons_spike():
    twice = torch.tensor([0.0, 0.0, 1.0, 2.0]).view(2, 1, 2).requires_grad_()
    price = losses.squared_activity([twice, torch.ones(3, 1, 1), torch.ones(3, 1, 5)], [0.1, 9.0, None])
    price.backward()
    assert price.item() == pytest.approx(5 / 4 / 2 + 1 / 2)
    assert twice.grad.flatten().tolist() == [0, 0, 0.25, 0.5]
    assert losses.squared_activity([], []).item() == 0
    assert set(losses.PRICES) == set(ACTIVITY_PRICES)
