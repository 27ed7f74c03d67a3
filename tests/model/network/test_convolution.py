"""The compiled convolution against the torch code that it stands in for: equal spikes, equal gradients."""

import itertools

import pytest
import torch
from support.optional import needs

from twinspike.model.inputs.events import events_of_spikes
from twinspike.model.inputs.trains import written
from twinspike.model.network import fused
from twinspike.model.network.convolution import busy, layer
from twinspike.model.network.lif import lif
from twinspike.model.network.network import SpikingLayer
from twinspike.quant.layers.conv import QuantConv
from twinspike.quant.synapses.conv import ConvSettings

pytestmark = needs("compiler")
STEPS, BATCH = 5, 19

# map, channels out, kernel, stride, padding, dilation, groups
GEOMETRIES = {
    "plain": ((7, 6, 3), 5, (3, 3), (1, 1), (0, 0), (1, 1), 1),
    "first": ((11, 9, 1), 16, (5, 5), (2, 2), (0, 0), (1, 1), 1),
    "padded": ((6, 7, 4), 8, (3, 2), (2, 1), (1, 2), (1, 1), 1),
    "dilated": ((9, 9, 16), 32, (2, 3), (1, 2), (2, 0), (3, 2), 1),
    "groups": ((5, 6, 6), 12, (3, 3), (1, 1), (1, 1), (1, 1), 3),
    "depthwise": ((5, 5, 24), 24, (3, 3), (2, 2), (1, 1), (1, 1), 24),
    "skips": ((8, 8, 2), 64, (2, 2), (3, 3), (0, 0), (1, 1), 1),
    "point": ((4, 3, 40), 10, (1, 1), (1, 1), (0, 0), (1, 1), 1),
}
# weight bits, leak_shift, reset, single_spike, state_bits
NEURONS = [
    *((bits, 3, "subtract", False, 12) for bits in (1, 2, 4, 8)),
    *itertools.product((4,), (0, 2), ("subtract", "zero"), (False, True), (7, 18)),
]


def made(geometry, neurons, **keys):
    map, channels, kernel, stride, padding, dilation, groups = GEOMETRIES[geometry]
    bits, leak, reset, single, state = neurons
    settings = ConvSettings(
        weight_bits=bits,
        leak_shift=leak,
        reset=reset,
        single_spike=single,
        state_bits=state,
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        **keys,
    )
    synapses = QuantConv.of(map, settings, "layer")
    synapses.hold = settings.hold
    generator = torch.Generator().manual_seed(5)
    synapses.reset_parameters(2 / synapses.fan_in**0.5, 0.05, generator)
    return synapses, generator


def in_parts(spikes, synapses, spec, slope):
    if synapses.hold:
        current, threshold = synapses(spikes[:1])
        return lif(current.expand(len(spikes), -1, -1), threshold, spec, slope)
    return lif(*synapses(spikes), spec, slope)


def found(function, synapses, trains, drive, threads):
    """Spikes and all gradients of one pass."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        synapses.zero_grad()
        spikes = trains.clone().requires_grad_()
        out = written(function(spikes, synapses, synapses.spec, 1.5))
        (out * drive).sum().backward()
    finally:
        torch.set_num_threads(before)
    return [out.detach(), spikes.grad, *(x.grad.clone() for x in synapses.parameters())]


def check(synapses, trains, generator):
    drive = torch.randn(len(trains), BATCH, synapses.conv.neurons, generator=generator)
    expected = found(in_parts, synapses, trains, drive, 1)
    one, two = (found(layer, synapses, trains, drive, threads) for threads in (1, 2))
    assert expected[0].any() and not expected[0].all() and torch.equal(one[0], expected[0])
    assert len(one) == len(expected) >= 4
    assert all(map(torch.equal, one, two))
    for got, wanted in zip(one, expected, strict=True):
        assert wanted.any()
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=2e-5 * wanted.abs().max().item())
    return one, drive


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("neurons", NEURONS)
def test_it_spikes_and_learns_as_its_parts_do(geometry, neurons):
    synapses, generator = made(geometry, neurons)
    trains = (torch.rand(STEPS, BATCH, synapses.conv.inputs, generator=generator) < 0.2).float()
    one, drive = check(synapses, trains, generator)
    synapses.zero_grad()
    out = written(layer(events_of_spikes(trains), synapses, synapses.spec, 1.5))
    (out * drive).sum().backward()
    assert torch.equal(out, one[0])
    for parameter, wanted in zip(synapses.parameters(), one[2:], strict=True):
        assert torch.equal(parameter.grad, wanted)


@pytest.mark.parametrize("geometry", ["first", "groups", "point"])
@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("norm", ["none", "weight"])
def test_inputs_may_spike_several_times_and_be_held(geometry, hold, norm):
    synapses, generator = made(geometry, (4, 3, "subtract", False, 16), hold=hold, norm=norm)
    several = torch.randint(0, 16, (STEPS, BATCH, synapses.conv.inputs), generator=generator).float()
    several *= torch.rand(several.shape, generator=generator) < 0.5
    check(synapses, several, generator)


def test_many_steps_of_few_images():
    synapses, generator = made("plain", (4, 3, "subtract", False, 12))
    trains = (torch.rand(300, BATCH, synapses.conv.inputs, generator=generator) < 0.05).float()
    check(synapses, trains, generator)


@pytest.mark.parametrize(
    ("geometry", "rate", "expected"),
    [
        ("plain", 0.05, False),
        ("plain", 0.3, True),
        ("first", 0.1, False),
        ("first", 0.3, True),
        ("dilated", 0.2, False),
        ("dilated", 0.5, True),
        ("groups", 0.5, False),
    ],
)
def test_busy_inputs_go_through_torch_s_own_convolution(geometry, rate, expected, monkeypatch):
    synapses, generator = made(geometry, (4, 3, "subtract", False, 12))
    trains = (torch.rand(STEPS, BATCH, synapses.conv.inputs, generator=generator) < rate).float()
    assert busy(trains, synapses) == busy(events_of_spikes(trains), synapses) == expected
    used = []
    monkeypatch.setitem(fused.PASSES, "conv", lambda *given: used.append(1) or layer(*given))
    one = SpikingLayer(synapses, 1.5)(trains)
    assert bool(used) != expected
    monkeypatch.setitem(fused.BUSY, "conv", lambda *_: not expected)
    assert torch.equal(SpikingLayer(synapses, 1.5)(trains), one) and one.any()


def test_a_held_input_is_never_busy():
    synapses, _ = made("first", (4, 3, "subtract", False, 12), hold=True)
    assert not busy(torch.ones(STEPS, BATCH, synapses.conv.inputs), synapses)
