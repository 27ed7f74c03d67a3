import numpy as np
import pytest
import torch

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.layers.delay import NARROWEST, QuantDelay, by_convolution, by_matrix, by_shifts
from twinspike.quant.synapses.delay import DelaySettings


def made(shape=(4,), **settings):
    return QuantDelay.of(shape, DelaySettings(**settings), "layers.0")


def some_spikes(steps=10, inputs=4, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random((steps, 3, inputs)) < 0.3).float()


@pytest.mark.parametrize("steps", [10, 70])
@pytest.mark.parametrize("learn", [True, False])
def test_what_counts_in_evaluation_is_what_is_exported(steps, learn):
    layer = made(taps=3, reach=9, learn=learn, dilation=2).eval()
    layer.anneal(0.1)  # an evaluation within training
    spikes = some_spikes(steps) * 2  # several spikes of an input in a step count once
    geometry = layer.placed()
    assert np.array_equal(layer(spikes).numpy(), geometry.trains(spikes.numpy()).astype(np.float32))
    assert geometry.delay.shape == (4, 3) and geometry.longest <= 9
    if not learn:
        assert geometry.delay.tolist() == [[0, 2, 4]] * 4 and not list(layer.parameters())


def test_spikes_are_spread_early_in_training_and_whole_from_its_middle_on():
    layer, spikes = made(taps=2, reach=8), some_spikes(40)
    widths = []
    for share in (0.0, 0.25, 0.49):
        layer.anneal(share)
        sent = layer(spikes)
        widths.append(layer.width)
        assert layer.soft and bool(((sent > 0.05) & (sent < 0.95)).any())
        # Nothing is lost but what comes after the frame.
        assert torch.allclose(layer.shares().sum(-1), torch.ones(4, 2))
    assert widths[0] == 4 and widths == sorted(widths, reverse=True) and widths[-1] >= NARROWEST
    layer.anneal(0.5)
    whole = torch.from_numpy(layer.placed().trains(spikes.numpy()))
    assert not layer.soft and torch.equal(layer(spikes), whole.float())


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_a_delay_moves_to_where_its_spikes_are_wanted(share):
    layer = made((1,), taps=1, reach=6)
    with torch.no_grad():
        layer.place.fill_(-0.1)  # between 2 and 3 steps
    layer.anneal(share)
    spikes = torch.zeros(8, 1, 1)
    spikes[0] = 1
    wanted = 4
    (-layer(spikes)[wanted]).sum().backward()
    assert layer.place.grad.item() < 0  # a step against the gradient makes it longer


def test_both_ways_of_delaying_agree_in_value_and_gradient():
    found = []
    for way in (by_matrix, by_convolution):
        spikes, shares = some_spikes(12).requires_grad_(), torch.rand(4, 3, 6, generator=torch.manual_seed(0))
        shares.requires_grad_()
        sent = way(spikes, shares)
        sent.square().sum().backward()
        found.append((sent.detach(), spikes.grad, shares.grad))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_places_stay_within_the_reach_and_cover_it():
    layer = made((500,), taps=4, reach=5)
    steps = layer.placed().delay
    assert np.unique(steps).tolist() == [0, 1, 2, 3, 4, 5]
    with torch.no_grad():
        layer.place.mul_(10)
    assert set(np.unique(layer.placed().delay)) <= set(range(6))
    assert made(taps=2, reach=0).placed().delay.tolist() == [[0, 0]] * 4


def test_a_reach_that_fixed_taps_exceed_is_refused():
    with pytest.raises(TwinspikeError) as caught:
        made(taps=5, reach=7, learn=False, dilation=2)
    expected = "layers.0.reach = 7 is not allowed: expected at least (taps - 1) * dilation = 8 steps"
    assert str(caught.value) == expected
    with pytest.raises(TwinspikeError, match=r"^layers.0.delay shape = .*at most 32768 outputs$"):
        made((4000,), taps=9)


def test_shifts_are_delays_that_all_inputs_share():
    steps = [0, 3, 12, 40]  # the last two are longer than the spikes
    found = []
    for way in (by_shifts, lambda x, _: by_matrix(x, torch.eye(41)[steps].expand(4, -1, -1))):
        spikes = some_spikes(12).requires_grad_()
        sent = way(spikes, steps)
        (sent * torch.arange(sent.numel()).view(sent.shape)).sum().backward()
        found.append((sent.detach(), spikes.grad))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
