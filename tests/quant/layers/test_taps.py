"""The torch twin of taps: integers as numpy counts them, at the places that are exported; places learn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.export import integer_layer
from twinspike.quant.layers.kinds import make_layer
from twinspike.quant.synapses.maps import NORMS
from twinspike.quant.synapses.taps import TapsSettings

pairs = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))  # noqa: E731


def made(shape=(6, 5, 2), seed=0, **keys):
    layer = make_layer(shape, TapsSettings(**{"channels": 4, "taps": 3, "reach": (5, 5), **keys}), "layers.0")
    layer.reset_parameters(0.3, -0.1, torch.Generator().manual_seed(seed))
    return layer


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_torch_and_numpy_count_the_same_currents(data):
    groups = data.draw(st.integers(1, 2))
    reach = data.draw(pairs(1, 8))
    layer = made(
        (data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6)), 2),
        seed=data.draw(st.integers(0, 99)),
        channels=2 * data.draw(st.integers(1, 3)),
        taps=data.draw(st.integers(1, 4)),
        reach=reach,
        stride=data.draw(pairs(1, 4)),
        groups=groups,
        weight_bits=data.draw(st.integers(1, 8)),
        norm=data.draw(st.sampled_from(NORMS)),
        learn=data.draw(st.booleans()),
    )
    layer(torch.ones(3, 2, layer.geometry.inputs))
    integer = integer_layer(layer.eval())
    spikes = np.random.default_rng(0).integers(0, 16, (3, 2, layer.geometry.inputs))
    with torch.no_grad():
        current, threshold = layer(torch.from_numpy(spikes).float())
    synapses = integer.synapses
    expected = synapses.currents(integer.weight, spikes) + synapses.spread(integer.bias.astype(np.int64))
    assert np.array_equal(current.numpy(), expected)
    assert np.array_equal(threshold.numpy(), synapses.spread(integer.threshold))
    synapses.check(integer.weight, synapses.inputs, "layer")
    for axis in (0, 1):
        of_axis = synapses.offset[..., axis]
        assert of_axis.min() >= -(reach[axis] // 2) and of_axis.max() <= (reach[axis] - 1) // 2


def test_places_are_drawn_from_the_whole_reach():
    offset = made(shape=(9, 9, 64), taps=16, reach=(4, 7)).placed().offset
    assert sorted(set(offset[..., 0].flat)) == [-2, -1, 0, 1]
    assert sorted(set(offset[..., 1].flat)) == [-3, -2, -1, 0, 1, 2, 3]


def test_a_tap_finds_where_its_input_is():
    """One tap of weight 1 looks for the pixel two rows down and one to the left; it starts in the middle."""
    layer = made((12, 12, 1), channels=1, taps=1, reach=(7, 7), weight_bits=1, norm="none")
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.place.copy_(torch.tensor([[[0.2, 0.1]]]) / 3.5)
    optimiser = torch.optim.Adam([layer.place], lr=0.05)
    blurred = torch.nn.functional.avg_pool2d(
        torch.rand(64, 1, 12, 12, generator=torch.Generator().manual_seed(0)), 5, 1, 2
    )
    wanted = torch.roll(blurred, (-2, 1), (2, 3)).flatten(1)
    for _ in range(200):
        weight, _ = layer.tensor()
        seen = layer.product(blurred.flatten(1), weight, torch.zeros(1))
        inner = (seen - wanted).view(64, 12, 12)[:, 3:9, 3:9]
        optimiser.zero_grad()
        inner.square().sum().backward()
        optimiser.step()
    assert layer.placed().offset.tolist() == [[[2, -1]]]


def test_the_gradient_of_a_place_is_that_of_the_interpolation():
    layer = made((8, 8, 1), channels=1, taps=1, weight_bits=1, norm="none")
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.place.copy_(torch.tensor([[[0.75, -0.4]]]) / 2.5)
    image = torch.rand(8, 8, generator=torch.Generator().manual_seed(1))
    weight, _ = layer.tensor()
    layer.product(image.view(1, 64), weight, torch.zeros(1)).view(8, 8)[3, 4].backward()
    # Between rows 3 and 4 and columns 3 and 4, 0.6 of the way across.
    square = image[3:5, 3:5]
    rows = (square[1] - square[0]) @ torch.tensor([0.4, 0.6])
    columns = torch.tensor([0.25, 0.75]) @ (square[:, 1] - square[:, 0])
    torch.testing.assert_close(layer.place.grad.flatten(), torch.stack([rows, columns]) * 2.5)


def test_no_gradient_leads_out_of_the_reach():
    layer = made((8, 8, 1), channels=1, taps=1, reach=(3, 3), norm="none")
    with torch.no_grad():
        layer.place.fill_(3.0)
    for sign, moves in ((-1.0, False), (1.0, True)):
        layer.place.grad = None
        (sign * layer.places().sum()).backward()
        assert bool(layer.place.grad.any()) == moves


def test_places_that_do_not_learn_stay():
    layer = made(learn=False)
    layer(torch.ones(2, 1, 60))[0].sum().backward()
    assert layer.place.grad is None and all(p is not layer.place for p in layer.others)
    layer = made()
    assert any(p is layer.place for p in layer.others)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (
            {"groups": 4},
            "layers.0.groups = 4 is not allowed: expected a divisor of 2 input and 4 output channels",
        ),
        ({"reach": (3,)}, "layers.0.reach = (3,) is not allowed: expected two integers [y, x] in 1..255"),
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
