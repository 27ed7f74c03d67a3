"""Compiled neurons behind torch's currents against the torch code that they stand in for."""

import itertools

import pytest
import torch
from support.optional import needs

from twinspike.model.inputs.trains import written
from twinspike.model.network.lif import lif
from twinspike.model.network.populations import driven, normalised
from twinspike.quant.layers.conv import QuantConv
from twinspike.quant.layers.dense import QuantDense
from twinspike.quant.layers.kinds import make_layer
from twinspike.quant.spec import LayerSettings, NeuronSpec
from twinspike.quant.synapses.conv import ConvSettings

pytestmark = needs("compiler")
CASES = list(itertools.product((0, 3, None), ("subtract", "zero"), (False, True), (6, 18), (False, True)))


def spec_of(leak_shift, reset, single_spike, state_bits) -> NeuronSpec:
    return NeuronSpec(4, leak_shift or 0, reset, single_spike, state_bits, forget=leak_shift is None)


def with_threads(count, function):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        return function()
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_driven_neurons_spike_and_learn_as_in_torch(case, threads):
    *neuron, hold = case
    spec = spec_of(*neuron)
    generator = torch.Generator().manual_seed(3)
    steps, given = 9, 1 if hold else 9
    current = torch.randint(-15, 16, (given, 7, 33), generator=generator).float()
    threshold = torch.randint(1, 9, (33,), generator=generator).float()
    drive = torch.randn(steps, 7, 33, generator=generator)
    found = []
    for function in (
        lambda x: written(driven(x, threshold, spec, 1.5, steps)),
        lambda x: lif(x.expand(steps, -1, -1), threshold, spec, 1.5),
    ):
        x = current.clone().requires_grad_()
        spikes = with_threads(threads, lambda function=function, x=x: function(x))
        with_threads(threads, lambda spikes=spikes: (spikes * drive).sum().backward())
        found.append((spikes.detach(), x.grad))
    assert found[0][0].any() and torch.equal(found[0][0], found[1][0])
    torch.testing.assert_close(found[0][1], found[1][1])


def dense_layer(**settings) -> QuantDense:
    return make_layer((6, 5, 3), LayerSettings(neurons=20, norm="batch", **settings), "layers.0")


def conv_layer(**settings) -> QuantConv:
    window = {"channels": 4, "kernel": (3, 3), "padding": (1, 1)}
    return make_layer((6, 5, 3), ConvSettings(norm="batch", **window, **settings), "layers.0")


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("make", [dense_layer, conv_layer])
def test_a_normalised_layer_spikes_and_learns_as_its_parts_do(make, hold, threads):
    generator = torch.Generator().manual_seed(5)
    steps, given = 6, 1 if hold else 6
    trains = (torch.rand(given, 40, 90, generator=generator) < 0.2).float()
    found = []
    for compiled in (True, False):
        synapses = make(state_bits=12)
        synapses.reset_parameters(0.3, 0.1, torch.Generator().manual_seed(1))
        with torch.no_grad():
            synapses.level.uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(2))
        drive = torch.randn(steps, 40, synapses.geometry.neurons, generator=torch.Generator().manual_seed(4))
        x = trains.clone().requires_grad_()

        def run(compiled=compiled, synapses=synapses, x=x, drive=drive):
            if compiled:
                spikes = written(normalised(x, synapses, synapses.spec, 0.7, steps))
            else:
                current, threshold = synapses(x)
                spikes = lif(current.expand(steps, -1, -1), threshold, synapses.spec, 0.7)
            (spikes * drive).sum().backward()
            return spikes.detach()

        spikes = with_threads(threads, run)
        learnt = [p.grad for p in synapses.parameters() if p.requires_grad]
        found.append((spikes, x.grad, synapses.mean.detach(), synapses.variance.detach(), *learnt))
    assert found[0][0].any() and torch.equal(found[0][0], found[1][0])
    assert len(found[0]) == 7  # weight, bias and level learn
    for got, expected in zip(found[0], found[1], strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())


def test_a_channel_of_a_vanishing_unit_has_finite_gradients():
    synapses = dense_layer(state_bits=12)
    synapses.reset_parameters(0.3, 0.1, torch.Generator().manual_seed(1))
    with torch.no_grad():
        synapses.level[3] = -60.0
    trains = (torch.rand(6, 40, 90, generator=torch.Generator().manual_seed(5)) < 0.2).float()
    spikes = written(normalised(trains, synapses, synapses.spec, 0.5, 6))
    spikes.sum().backward()
    # What Adam keeps of a gradient is its square.
    assert all(x.grad.square().isfinite().all() for x in (synapses.bias, synapses.level, synapses.weight))
    assert synapses.bias.grad[3] != 0
