"""Spikes as index lists: the same spikes, currents and gradients as the dense path, at every density."""

import dataclasses

import pytest
import torch

from twinspike.config import load_config
from twinspike.model.inputs.encodings import encode
from twinspike.model.inputs.events import events_of_spikes
from twinspike.model.inputs.inputs import TrainingInputs, input_spikes
from twinspike.model.loss.losses import activity_penalty, embedding_loss
from twinspike.model.network.network import SpikingNetwork
from twinspike.model.settings import TrainingSettings
from twinspike.numerics.encodings import ENCODINGS, Latency, Timed


def draws(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def images(count: int = 6) -> torch.Tensor:
    """uint8 images of 28 x 28, half of them background, the first all black and the second all white."""
    found = (draws(count, 28, 28) * 511 - 255).clamp(min=0).to(torch.uint8)
    found[0], found[1] = 0, 255
    return found


LABELS = torch.tensor([0, 1, 0, 1, 0, 2])
# Of images; a list of events has no multiplicities.
LISTED = [kind for kind, cls in ENCODINGS.items() if kind != "graded" and not issubclass(cls, Timed)]


@pytest.mark.parametrize("kind", LISTED)
def test_events_are_the_spikes(kind):
    encoding = ENCODINGS[kind]()
    events = input_spikes(encoding, images(), 8)
    dense = encode(encoding, images(), 8)
    assert events.shape == tuple(dense.shape) and dense[:, 1:].any()
    assert torch.equal(events.as_tensor(), dense)
    place = torch.repeat_interleave(torch.arange(8 * 6), events.start.diff())
    again = torch.zeros(8 * 6, dense.shape[2])
    again[place, events.address] = 1
    assert torch.equal(again.view(dense.shape), dense)


@pytest.mark.parametrize("kind", LISTED)
def test_batches_of_the_training_set_are_its_encoded_images(kind):
    encoding, chosen = ENCODINGS[kind](), torch.tensor([4, 1, 1, 0])
    inputs = TrainingInputs(images(), LABELS, encoding, 8, TrainingSettings())
    assert (inputs.when is None) == kind.startswith("rate")
    assert torch.equal(
        inputs.batch(chosen, torch.Generator()).as_tensor(), encode(encoding, images()[chosen], 8)
    )


def test_graded_inputs_stay_dense():
    encoding, chosen = ENCODINGS["graded"](), torch.tensor([4, 1, 1, 0])
    batch = TrainingInputs(images(), LABELS, encoding, 4, TrainingSettings()).batch(chosen, torch.Generator())
    assert torch.equal(batch, encode(encoding, images()[chosen], 4)) and batch.max() == 15


def test_augmented_batches_are_drawn_anew():
    inputs = TrainingInputs(images(), LABELS, Latency(), 8, TrainingSettings(rotation=20))
    first, same, other = (
        inputs.batch(torch.arange(6), torch.Generator().manual_seed(seed)).as_tensor() for seed in (1, 1, 2)
    )
    assert inputs.when is None and torch.equal(first, same) and not torch.equal(first, other)


@pytest.mark.parametrize("density", [0.0, 0.03, 1.0])
def test_currents_and_gradients_are_those_of_the_dense_product(density):
    spikes = (draws(8, 6, 100) < density).double()
    generator = torch.Generator().manual_seed(2)
    weight = torch.randint(-127, 128, (20, 100), generator=generator).double().requires_grad_()
    bias = torch.randint(-9, 10, (20,), generator=generator).double().requires_grad_()
    drive = torch.randn(8, 6, 20, generator=generator, dtype=torch.float64)
    found = []
    for product in (events_of_spikes(spikes).currents, lambda w, b: torch.nn.functional.linear(spikes, w, b)):
        weight.grad = bias.grad = None
        current = product(weight, bias)
        (current * drive).sum().backward()
        found.append((current.detach(), weight.grad, bias.grad))
    assert torch.equal(found[0][0], found[1][0])
    torch.testing.assert_close(found[0][1:], found[1][1:], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("encoding", [Latency(), ENCODINGS["rate"]()])
def test_whole_step_has_the_gradients_of_the_dense_path(encoding):
    """Images to loss: what training does, against the same network on dense spikes, in float64."""
    config = dataclasses.replace(load_config("mnist"), encoder=encoding)
    network = SpikingNetwork(config, (28, 28))
    network.initialise(config.training, torch.Generator().manual_seed(0))
    network.double()
    batch, labels = images(16), torch.arange(16) % 4
    sparse = input_spikes(encoding, batch, config.timesteps)
    dense = encode(encoding, batch, config.timesteps).double()
    found = []
    for spikes in (sparse, dense):
        network.zero_grad()
        trains = network.propagate(spikes)
        loss = embedding_loss(trains[-1], labels, config.training) + activity_penalty(
            trains[:-1], [0.0] * (len(trains) - 1)
        )
        loss.backward()
        found.append([*trains, loss.detach(), *(p.grad for p in network.parameters())])
    assert all(value.abs().max() > 0 for value in found[0])
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-12)
