import numpy as np
import torch

from twinspike.quant.layers.kinds import make_layer
from twinspike.quant.synapses.upsample import UpsampleSettings


def test_blocks_are_those_that_numpy_says():
    layer = make_layer((3, 2, 4), UpsampleSettings(window=(2, 3)), "layers.1")
    spikes = np.random.default_rng(0).integers(0, 3, (5, 2, 24))
    sent = layer(torch.from_numpy(spikes).float())
    assert np.array_equal(sent.numpy(), layer.geometry.trains(spikes)) and not list(layer.parameters())
    assert [layer.adds_up(several) for several in (False, True)] == [False, True]


def test_an_input_gets_the_gradients_of_its_block():
    layer = make_layer((1, 2, 1), UpsampleSettings(window=(2, 2)), "layers.0")
    spikes = torch.zeros(1, 1, 2).requires_grad_()
    (layer(spikes) * torch.tensor([1.0, 2, 3, 4, 10, 20, 30, 40])).sum().backward()
    assert spikes.grad.flatten().tolist() == [1 + 2 + 10 + 20, 3 + 4 + 30 + 40]
