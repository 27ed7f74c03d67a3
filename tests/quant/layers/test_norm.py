"""Normalised currents fold into integer biases and thresholds, and learn as the real ones would."""

import numpy as np
import pytest
import torch

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.export import integer_layer
from twinspike.quant.layers.kinds import make_layer
from twinspike.quant.layers.norm import LEAST_VARIANCE, SHARE
from twinspike.quant.spec import LayerSettings
from twinspike.quant.synapses.conv import ConvSettings

MAP = (6, 5, 2)


def made(norm="batch", **keys):
    layer = make_layer(MAP, ConvSettings(channels=4, norm=norm, **keys), "layers.0")
    layer.reset_parameters(0.3, 0.1, torch.Generator().manual_seed(0))
    return layer


def dense(**keys):
    layer = make_layer(MAP, LayerSettings(neurons=12, norm="batch", **keys), "layers.0")
    layer.reset_parameters(0.3, 0.1, torch.Generator().manual_seed(0))
    return layer


def spikes(seed=0):
    return (torch.rand(4, 8, 60, generator=torch.Generator().manual_seed(seed)) < 0.3).float()


def test_a_batch_has_the_learnt_mean_and_deviation():
    layer = made(weight_bits=8)
    with torch.no_grad():
        layer.level.copy_(torch.tensor([0.0, 0.5, -0.5, 1.0]))
    current, threshold = layer(spikes())
    real = (current / threshold).detach().view(-1, 4)  # in units of the threshold
    # Rounded thresholds and biases are off by half a unit at most.
    units = threshold[:4]
    assert torch.all((real.mean(0) - 0.1).abs() <= 0.7 / units)
    assert torch.all((real.std(0) - layer.level.exp()).abs() <= layer.level.exp() * 0.7 / units)
    assert torch.equal(current, current.round())


def test_running_averages_take_a_share_of_each_batch():
    layer = made()
    weight, _ = layer.tensor()
    plain = layer.product(spikes(), weight, torch.zeros(4)).view(-1, 4)
    layer(spikes())
    torch.testing.assert_close(layer.mean, SHARE * plain.mean(0))
    torch.testing.assert_close(layer.variance, 1 - SHARE + SHARE * plain.var(0, correction=0))
    before = layer.mean.clone()
    layer.eval()(spikes(1))
    assert torch.equal(layer.mean, before) and not layer.mean.requires_grad


@pytest.mark.parametrize("kind", ["conv", "dense"])
def test_evaluation_is_what_the_integers_do(kind):
    layer = made() if kind == "conv" else dense()
    for seed in range(20):
        layer(spikes(seed))
    layer.eval()
    integer = integer_layer(layer)
    current, threshold = layer(spikes(99))
    synapses = integer.synapses
    expected = synapses.currents(integer.weight, spikes(99).numpy().astype(int))
    expected = expected + synapses.spread(integer.bias.astype(np.int64))
    assert np.array_equal(current.detach().numpy(), expected)
    assert np.array_equal(threshold.numpy(), synapses.spread(integer.threshold))
    assert len(set(integer.bias.tolist())) > 1


@pytest.mark.parametrize("training", [True, False])
def test_the_gradient_is_that_of_the_real_current(training):
    """Against autograd over the definition, with the integer weights held."""
    layer = made().train(training)
    draw = torch.randn(4, 8, 48, generator=torch.Generator().manual_seed(3))
    current, _ = layer(spikes())
    (current * draw).sum().backward()
    found = [layer.level.grad, layer.bias.grad]

    weight, _ = layer.tensor()
    level = layer.level.detach().clone().requires_grad_()
    bias = layer.bias.detach().clone().requires_grad_()
    plain = layer.product(spikes(), weight.detach(), torch.zeros(4)).unflatten(-1, (-1, 4))
    flat = plain.reshape(-1, 4)
    mean, variance = (flat.mean(0), flat.var(0, correction=0)) if training else (layer.mean, layer.variance)
    unit = level.exp() * (variance + LEAST_VARIANCE).rsqrt()
    real = unit * (plain - mean) + bias
    ((real / unit.detach()).flatten(-2) * draw).sum().backward()
    torch.testing.assert_close(found, [level.grad, bias.grad])
    assert layer.weight.grad.abs().max() > 0


@pytest.mark.parametrize("norm", ["weight", "batch", "none"])
def test_every_parameter_is_named_once(norm):
    layer = made(norm)
    learns = {id(p) for p in layer.parameters() if p.requires_grad}
    assert learns == {id(layer.weight), *(id(p) for p in layer.others)}
    assert len(layer.others) == (1 if norm == "none" else 2)


def test_a_dense_layer_is_normalised_where_it_is_asked_to_be():
    assert dense().batch and not make_layer(MAP, LayerSettings(neurons=4), "layers.0").batch
    assert "norm" not in LayerSettings(neurons=4).table()
    assert LayerSettings(neurons=4, norm="batch").table()["norm"] == "batch"
    assert ConvSettings().table()["norm"] == "weight"
    current, threshold = dense(weight_bits=8)(spikes())
    real = (current / threshold).detach().view(-1, 12)
    assert torch.all((real.mean(0) - 0.1).abs() <= 0.7 / threshold)
    with pytest.raises(TwinspikeError, match=r"layers\.0\.layer_scale = True.*norm = \"batch\""):
        dense(layer_scale=True)
