"""The torch twins of convolution and pools: integers as numpy counts them, weight standardisation folded."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.export import integer_layer
from twinspike.quant.layers.conv import QuantConv
from twinspike.quant.layers.kinds import make_layer
from twinspike.quant.synapses.conv import ConvSettings
from twinspike.quant.synapses.maps import NORMS
from twinspike.quant.synapses.pool import MODES, PoolSettings

pairs = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))  # noqa: E731


def made(shape=(6, 5, 2), std=0.3, bias=-0.1, seed=0, **given_settings) -> QuantConv:
    layer = make_layer(shape, ConvSettings(**{"channels": 4, **given_settings}), "layers.0")
    layer.reset_parameters(std, bias, torch.Generator().manual_seed(seed))
    return layer


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_torch_and_numpy_count_the_same_currents(data):
    groups = data.draw(st.integers(1, 2))
    layer = made(
        (data.draw(st.integers(3, 6)), data.draw(st.integers(3, 6)), 2),
        seed=data.draw(st.integers(0, 99)),
        channels=2 * data.draw(st.integers(1, 3)),
        kernel=data.draw(pairs(1, 3)),
        stride=data.draw(pairs(1, 4)),
        padding=data.draw(pairs(0, 4)),
        groups=groups,
        weight_bits=data.draw(st.integers(1, 8)),
        norm=data.draw(st.sampled_from(NORMS)),
    )
    layer(torch.ones(3, 2, layer.geometry.inputs))  # of which a normalised layer takes note
    integer = integer_layer(layer.eval())
    spikes = np.random.default_rng(0).integers(0, 16, (3, 2, layer.geometry.inputs))
    with torch.no_grad():
        current, threshold = layer(torch.from_numpy(spikes).float())
    synapses = integer.synapses
    expected = synapses.currents(integer.weight, spikes) + synapses.spread(integer.bias.astype(np.int64))
    assert np.array_equal(current.numpy(), expected)
    assert np.array_equal(threshold.numpy(), synapses.spread(integer.threshold))
    synapses.check(integer.weight, synapses.inputs, "layer")


def test_standardised_weights_have_mean_zero_and_the_gain_as_deviation():
    layer = made(kernel=(3, 3), std=0.25)
    with torch.no_grad():
        layer.weight.mul_(3).add_(1)
        layer.gain[1] = 0.5
    acting = layer.acting()
    assert acting.mean(1).abs().max() < 1e-6
    assert torch.allclose(acting.std(1, correction=0), torch.tensor([0.25, 0.5, 0.25, 0.25]))
    # Neither size nor offset of the parameters reaches the integers: the gain alone sets the threshold.
    weight, _, threshold = layer.integers()
    with torch.no_grad():
        layer.weight.mul_(7).sub_(2)
    again, _, same = layer.integers()
    assert torch.equal(weight, again) and torch.equal(threshold, same) and threshold[1] < threshold[0]


def test_every_parameter_learns():
    layer = made(kernel=(3, 3))
    current, threshold = layer(torch.ones(2, 3, 60))
    (current / threshold * torch.linspace(-1, 1, current.shape[-1])).sum().backward()
    named = dict(layer.named_parameters())
    assert len(named) == 3 and all(p.grad.abs().max() > 0 for p in named.values())
    assert {id(p) for p in named.values()} == {id(layer.weight), *(id(p) for p in layer.others)}


@pytest.mark.parametrize(
    "wrong, message",
    [
        (
            {"kernel": (7, 7)},
            "layers.0: its kernel does not fit the map [6, 5, 2]: use a smaller kernel or "
            "dilation, or more padding",
        ),
        (
            {"groups": 4},
            "layers.0.groups = 4 is not allowed: expected a divisor of 2 input and 4 output channels",
        ),
        ({"kernel": (3,)}, "layers.0.kernel = (3,) is not allowed: expected two integers [y, x] in 1..255"),
        (
            {"shape": (2, 2, 2, 2)},
            "layers.0 sees a map of shape [2, 2, 2, 2]: expected [H, W, C], [H, W] or [N]",
        ),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(TwinspikeError) as caught:
        made(**wrong)
    assert str(caught.value) == message


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("window", [(1, 1), (2, 3), (4, 2)])
def test_pools_send_what_numpy_says(mode, window):
    pool = make_layer((5, 6, 3), PoolSettings(window=window, mode=mode), "layers.1")
    spikes = np.random.default_rng(0).integers(0, 4, (3, 2, 90)) * (np.arange(90) % 5 == 0)
    sent = pool(torch.from_numpy(spikes).float())
    assert np.array_equal(sent.numpy(), pool.geometry.currents(np.zeros(0), spikes))
