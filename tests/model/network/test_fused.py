"""The compiled kernels against the torch code that they stand in for: equal spikes, equal gradients."""

import dataclasses
import itertools

import pytest
import torch
from support.optional import needs

from twinspike.config import load_config
from twinspike.model.inputs.events import events_of_spikes, events_of_steps
from twinspike.model.inputs.trains import mean_spikes, written
from twinspike.model.kernels import native
from twinspike.model.kernels.weights import counted
from twinspike.model.loss.emd import emd_matrix
from twinspike.model.loss.losses import embedding_loss
from twinspike.model.network.fused import Stage, chain, layer
from twinspike.model.network.lif import lif
from twinspike.quant.layers.dense import QuantDense
from twinspike.quant.spec import NeuronSpec

pytestmark = needs("compiler")
# leak_shift, reset, single_spike, state_bits, weight_bits; sums of 600 weights of 8 bits do not fit 16 bits.
CASES = [
    *itertools.product((0, 1, 3, None), ("subtract", "zero"), (False, True), (6, 12), (4,)),
    *itertools.product((3,), ("subtract",), (False,), (12,), (1, 2, 8)),
]


@pytest.fixture
def torch_alone(monkeypatch):
    """A function that switches the kernels off."""
    return lambda: monkeypatch.setattr(native, "library", lambda: None)


def in_parts(spikes, synapses, spec, slope):
    return lif(*synapses(spikes), spec, slope)


@pytest.mark.parametrize("inputs", [50, 600])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_a_layer_spikes_and_learns_as_its_parts_do(case, threads, inputs):
    leak_shift, reset, single_spike, state_bits, weight_bits = case
    spec = NeuronSpec(
        weight_bits, leak_shift or 0, reset, single_spike, state_bits, forget=leak_shift is None
    )
    generator = torch.Generator().manual_seed(5)
    trains = (torch.rand(9, 7, inputs, generator=generator) < 0.2).float()
    synapses = QuantDense(inputs, 70, spec)  # two blocks of neurons and a part
    synapses.reset_parameters(3 / inputs**0.5, 0.02, generator)
    drive = torch.randn(9, 7, 70, generator=generator)
    found = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for function in (layer, in_parts):
            synapses.zero_grad()
            spikes = trains.clone().requires_grad_()
            out = written(function(spikes, synapses, spec, 1.5))
            (out * drive).sum().backward()
            found.append((out.detach(), spikes.grad, *(x.grad.clone() for x in synapses.parameters())))
        sparse = written(layer(events_of_spikes(trains), synapses, spec, 1.5))
    finally:
        torch.set_num_threads(before)
    assert found[0][0].any() and torch.equal(found[0][0], found[1][0]) and torch.equal(sparse, found[0][0])
    assert len(found[0]) == 4
    for got, expected in zip(found[0], found[1], strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())


@pytest.mark.parametrize("steps", [3, 4, 9])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_chain_of_layers_learns_as_they_do_one_by_one(threads, steps):
    generator = torch.Generator().manual_seed(7)
    trains = (torch.rand(steps, 7, 50, generator=generator) < 0.2).float()
    stages = []
    for inputs, neurons, reset in ((50, 70, "subtract"), (70, 33, "zero"), (33, 40, "subtract")):
        synapses = QuantDense(inputs, neurons, NeuronSpec(4, 3, reset, False, 12))
        synapses.reset_parameters(3 / inputs**0.5, 0.1, generator)
        stages.append(Stage(synapses, synapses.spec, 0.7))
    drives = [torch.randn(steps, 7, n, generator=generator) for n in (33, 40)]

    def one_by_one(spikes, stages):
        found = [spikes]
        for stage in stages:
            found.append(in_parts(found[-1], *stage))
        return found[1:]

    found = []
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for function, mean in ((chain, mean_spikes), (one_by_one, torch.mean)):
            spikes = trains.clone().requires_grad_()
            first, *others = function(spikes, stages)
            # A gradient that all spikes have in common, and ones of their own.
            loss = 90 * mean(first) + sum(
                (written(out) * drive).sum() for out, drive in zip(others, drives, strict=True)
            )
            loss.backward()
            parameters = [x for stage in stages for x in stage.synapses.parameters()]
            found.append((loss.detach(), spikes.grad, *(x.grad for x in parameters)))
            for x in parameters:
                x.grad = None
    finally:
        torch.set_num_threads(before)
    for got, expected in zip(*found, strict=True):
        assert expected.any()
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())


def test_layers_behind_the_last_gradient_of_a_chain_have_none():
    generator = torch.Generator().manual_seed(8)
    trains = (torch.rand(5, 7, 30, generator=generator) < 0.3).float()
    stages = []
    for _ in range(2):
        synapses = QuantDense(30, 30, NeuronSpec(4, 3, "subtract", False, 12))
        synapses.reset_parameters(0.5, 0.0, generator)
        stages.append(Stage(synapses, synapses.spec, 1.0))
    written(chain(trains, stages)[0]).sum().backward()
    assert stages[0].synapses.weight.grad.any() and stages[1].synapses.weight.grad is None


def test_thresholds_stay_those_of_training_when_membranes_are_narrowed():
    generator = torch.Generator().manual_seed(3)
    trained = NeuronSpec(4, 3, "subtract", False, 12)
    synapses = QuantDense(50, 40, trained)
    synapses.reset_parameters(0.2, 0.0, generator)
    with torch.no_grad():
        synapses.weight[:20] /= 5
    spec = dataclasses.replace(trained, state_bits=5)
    assert (synapses.integers()[2] > 15).any()  # the highest membrane of 5 bits
    trains = (torch.rand(9, 7, 50, generator=generator) < 0.2).float()
    got, expected = (written(f(trains, synapses, spec, 1.5)) for f in (layer, in_parts))
    assert expected.any() and torch.equal(got, expected)


@pytest.mark.parametrize("density", [0.0, 0.04, 1.0])
def test_events_are_those_of_torch(density, torch_alone):
    generator = torch.Generator().manual_seed(1)
    spikes = (torch.rand(6, 5, 40, generator=generator) < density).float()
    when = torch.randint(0, 7, (5, 40), generator=generator).to(torch.uint8)
    found = [events_of_spikes(spikes), events_of_steps(when, 6)]
    torch_alone()
    for events, expected in zip(found, [events_of_spikes(spikes), events_of_steps(when, 6)], strict=True):
        assert torch.equal(events.as_tensor(), expected.as_tensor())
        assert torch.equal(events.start, expected.start) and torch.equal(events.address, expected.address)


@pytest.mark.parametrize("steps", [9, 255])
def test_distances_and_their_gradients_are_those_of_torch(steps, torch_alone):
    generator = torch.Generator().manual_seed(2)
    a, b = ((torch.rand(steps, n, 11, generator=generator) < 0.3).float() for n in (13, 8))
    drive = torch.randn(13, 13, generator=generator)

    def measured():
        x, y, z = (t.clone().requires_grad_() for t in (a, b, a))
        distances = [emd_matrix(x, y), emd_matrix(z, z)]
        ((distances[0] * drive[:, :8]).sum() + (distances[1] * drive).sum()).backward()
        return [d.detach() for d in distances], [x.grad, y.grad, z.grad]

    distances, gradients = measured()
    torch_alone()
    expected, expected_gradients = measured()
    assert all(map(torch.equal, distances, expected)) and distances[0].any()
    torch.testing.assert_close(gradients, expected_gradients, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("labels", [[0] * 40 + [1] * 37, list(range(77)), [n // 7 for n in range(77)]])
def test_the_usual_loss_and_its_gradient_are_those_of_torch(labels, torch_alone):
    generator = torch.Generator().manual_seed(6)
    spikes = (torch.rand(9, 77, 11, generator=generator) < 0.3).float()
    settings = dataclasses.replace(load_config("digits").training, temperature=0.07)

    def measured():
        given = spikes.clone().requires_grad_()
        loss = embedding_loss(given, torch.tensor(labels), settings)
        (loss * 2.5).backward()
        return loss.detach(), given.grad

    found = measured()
    assert (found[0] > 0) == found[1].any() == (len(set(labels)) < 77)
    torch_alone()
    torch.testing.assert_close(found, measured(), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_units_are_bit_for_bit_those_of_the_quantisers(bits):
    spec = NeuronSpec(bits, 3, state_bits=8)
    synapses = QuantDense(300, 45, spec)
    synapses.reset_parameters(0.05, 0.0, torch.Generator().manual_seed(bits))
    with torch.no_grad():
        synapses.bias.copy_(torch.linspace(-9, 9, 45))  # beyond the range of the membrane at both ends
        synapses.weight[0] *= 1e-3  # a threshold that only the highest membrane reaches
    expected = synapses.quantised()
    bias, threshold = synapses.folded(expected.scale)
    found = counted(synapses.weight.detach(), synapses.bias.detach(), expected.rule, spec)
    pairs = [
        (getattr(found.weight, name), getattr(expected, name)) for name in ("scale", "mean", "deviation")
    ]
    for got, wanted in [*pairs, (found.bias, bias), (found.threshold, threshold)]:
        assert torch.equal(got, wanted.detach())
    assert threshold.max() == 127 and {-128, 127} <= set(bias.tolist())
    bias.sum().backward()
    torch.testing.assert_close(found.slope, synapses.bias.grad)


def test_without_a_compiler_torch_does_the_work(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", str(tmp_path / "missing"))
    assert native.library.__wrapped__() is None
