"""Brevitas layers: integer ranges at every width, thresholds from scales, straight-through gradients."""

import pytest
import torch

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.layers.dense import QuantDense
from twinspike.quant.spec import NeuronSpec


def layer(weight_bits: int, state_bits: int = 12, std: float = 0.1) -> QuantDense:
    dense = QuantDense(100, 20, NeuronSpec(weight_bits=weight_bits, state_bits=state_bits))
    dense.reset_parameters(std, 0.02, torch.Generator().manual_seed(0))
    return dense


@pytest.mark.parametrize("bits", range(1, 9))
def test_integers_stay_in_the_range_of_their_width(bits):
    dense = layer(bits)
    weight, bias, threshold = dense.integers()
    for values in (weight, bias, threshold):
        assert torch.equal(values, values.round())
    limit = dense.spec.weight_limit
    assert weight.abs().max() == limit
    assert (weight == 0).any() == (bits > 1)
    # Symmetric: minus the highest occurs, one beyond does not.
    assert weight.min() == -limit
    assert threshold.min() >= 1


@pytest.mark.parametrize("bits", range(1, 9))
def test_integers_follow_the_real_values(bits):
    dense = layer(bits)
    weight, bias, threshold = dense.integers()
    real = dense.linear.weight
    scale = dense.linear.quant_weight().scale
    if bits == 1:
        assert torch.equal(weight, torch.where(real >= 0, 1.0, -1.0))
    else:
        error = (weight * scale - real).abs()
        inside = real.abs() < scale * dense.spec.weight_limit
        assert (error / scale)[inside].max() <= 0.5001
    # Threshold 1 in units of the scale, and at least 1.
    expected = (1 / scale.flatten()).round().clamp(min=1)
    assert torch.equal(threshold, expected)
    assert torch.equal(bias, (dense.bias / scale.flatten()).round())


def test_threshold_and_bias_stay_reachable():
    dense = layer(8, state_bits=6, std=0.01)
    with torch.no_grad():
        dense.bias.fill_(-50.0)
    _, bias, threshold = dense.integers()
    assert threshold.max() == 31 and bias.min() == -32
    coarse = layer(4, std=100.0)
    assert torch.equal(coarse.integers()[2], torch.ones(20))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_gradients_pass_straight_through(bits):
    dense = layer(bits)
    spikes = (torch.rand(5, 100, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    current, threshold = dense(spikes)
    (current / threshold).sum().backward()
    # In units of the threshold the current is close to spikes @ w, whose gradient is the spike count.
    expected = spikes.sum(0)
    got = dense.linear.weight.grad
    assert torch.isfinite(got).all()
    correlation = torch.corrcoef(torch.stack([got.mean(0), expected]))[0, 1]
    # At 1 bit the scale is the only magnitude: its gradient reaches every weight by its sign, too.
    assert correlation > (0.5 if bits == 1 else 0.9)
    assert dense.bias.grad.min() > 0


def test_currents_are_exact_integers():
    dense = layer(8)
    spikes = (torch.rand(8, 5, 100, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    current, _ = dense(spikes)
    weight, bias, _ = (x.detach().long() for x in dense.integers())
    assert torch.equal(current.long(), spikes.long() @ weight.T + bias)
    assert torch.equal(current, current.round())


def test_membranes_wider_than_floats_are_refused():
    with pytest.raises(TwinspikeError, match=r"^layers\.1\.state_bits = 25 is not allowed: expected 2\.\.24"):
        QuantDense(4, 4, NeuronSpec(state_bits=25), "layers.1")
