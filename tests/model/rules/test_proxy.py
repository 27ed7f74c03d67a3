"""Proxy learning: the proxy's numbers by hand, whose output counts, and a training."""

import numpy as np
import pytest
import torch
from support.corners import corners, corners_dataset

from twinspike.config import load_config
from twinspike.model.inputs.inputs import input_spikes
from twinspike.model.network.network import SpikingNetwork
from twinspike.model.rules.base import Batch, Means, make_rule
from twinspike.model.rules.ranks import Ranks
from twinspike.model.training.training import train
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import load_network
from twinspike.sim import golden

CONFIG = """
seed = 1
timesteps = 8
readout = "{readout}"
[encoder]
kind = "graded"
bits = 2
[training]
rule = "proxy"
epochs = 30
batch_size = 20
learning_rate = 0.01
temperature = 1.0
[[layers]]
kind = "conv"
channels = 4
kernel = [3, 3]
hold = true
norm = "{norm}"
leak_shift = {leak}
[[layers]]
kind = "pool"
window = [2, 2]
mode = "sum"
{delay}
[[layers]]
neurons = 12
leak_shift = 0
single_spike = {single}
[[layers]]
neurons = {outputs}
leak_shift = 0
state_bits = 20
"""
USUAL = {"readout": "membrane", "norm": "weight", "leak": 0, "delay": "", "single": "false", "outputs": 3}
DELAY = '[[layers]]\nkind = "delay"\ntaps = 2\nreach = 2'


def config_of(tmp_path, **changes):
    path = tmp_path / "proxy.toml"
    path.write_text(CONFIG.format(**{**USUAL, **changes}))
    return load_config(str(path))


def network_and_rule(config, images):
    network = SpikingNetwork(config, images.shape[1:])
    network.initialise(config.training, torch.Generator().manual_seed(3))
    return network, make_rule(network, Means(config.training, Ranks()))


def rectified(network, images, timesteps):
    """The proxy's outputs in numpy: integer weights, real rates of at most 1."""
    first, hidden, last = (
        [value.detach().numpy().astype(np.float64) for value in synapses.integers()]
        for synapses in network.synapses
    )
    values = network.encoder.encode(images, timesteps)[0].astype(np.float64)
    conv = network.synapses[0].conv
    kernel = first[0].reshape(conv.filters, 3, 3)
    height, width, channels = conv.shape
    rates = np.zeros((len(images), height, width, channels))
    for y in range(height):
        for x in range(width):
            window = values.reshape(len(images), *conv.map)[:, y : y + 3, x : x + 3, 0]
            rates[:, y, x] = np.einsum("byx,cyx->bc", window, kernel)
    rates = ((rates + first[1]) / first[2]).clip(0, 1)
    pooled = rates[:, : height // 2 * 2, : width // 2 * 2]
    pooled = pooled.reshape(len(images), height // 2, 2, width // 2, 2, channels).sum((2, 4))
    found = ((pooled.reshape(len(images), -1) @ hidden[0].T + hidden[1]) / hidden[2]).clip(0, 1)
    return (found @ last[0].T + last[1]) * (timesteps + 1) / 2


def test_the_proxy_is_a_network_of_rectified_neurons(tmp_path):
    config, images = config_of(tmp_path), corners(10, 0)[0]
    network, rule = network_and_rule(config, images)
    spikes = input_spikes(config.encoder, torch.from_numpy(images), config.timesteps)
    found = rule.outputs(spikes).detach().numpy()
    assert np.allclose(found, rectified(network, images, config.timesteps), rtol=1e-4, atol=1e-3)
    # Some hidden neurons are at rest, others are not.
    assert np.ptp(found) > 0


def test_the_spiking_network_is_right_or_wrong_and_the_proxy_learns_from_it(tmp_path):
    config = config_of(tmp_path)
    images, labels = corners(20, 0)
    network, rule = network_and_rule(config, images)
    batch = Batch(
        input_spikes(config.encoder, torch.from_numpy(images), config.timesteps),
        torch.from_numpy(labels),
        0.0,
    )
    with torch.no_grad():
        mean = network(batch.spikes)[-1].mean(0)
    unit = network.synapses[-1].integers()[2].mean()
    loss = torch.nn.functional.cross_entropy(mean / unit, batch.labels)
    figures = rule.step(network, batch)
    assert figures["loss"] == pytest.approx(loss.item(), rel=1e-5)
    # The gradient of that loss at the proxy's outputs, carried back through the proxy.
    found = [p.grad.clone() for p in network.parameters() if p.grad is not None]
    outputs = rule.outputs(batch.spikes)
    at_output = (torch.softmax(mean / unit, 1) - torch.eye(3)[batch.labels]) / unit / len(labels)
    wanted = torch.autograd.grad((outputs * at_output.detach()).sum(), [p for p in network.parameters()])
    assert len(found) == len(wanted)
    for mine, other in zip(found, wanted, strict=True):
        assert torch.allclose(mine, other, rtol=1e-3, atol=1e-6)


def test_it_trains_and_the_core_answers_as_it_was_trained(tmp_path):
    dataset = corners_dataset()
    metrics = train(config_of(tmp_path), tmp_path / "out", progress=False, dataset=dataset)
    assert metrics["accuracy"] > 0.9
    network = load_network(tmp_path / "out" / "network.safetensors")
    trace = golden.run(network, network.encode(dataset.test_images))
    assert np.mean(trace.results.label == dataset.test_labels) == pytest.approx(metrics["accuracy"])


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"readout": "emd"}, r"readout = 'emd'.*where training\.rule is proxy"),
        ({"leak": 2}, r"layers\.0\.leak_shift = 2.*where training\.rule is proxy"),
        ({"norm": "batch"}, r"layers\.0\.norm = 'batch'.*where training\.rule is proxy"),
        ({"single": "true"}, r"layers\.2\.single_spike = True.*where training\.rule is proxy"),
        ({"delay": DELAY}, r"layers\.2\.kind = 'delay'.*where training\.rule is proxy"),
        ({"outputs": 2}, r"layers\.3 has 2 outputs, but labels run from 0 to 2"),
    ],
)
def test_networks_that_have_no_proxy_are_refused(tmp_path, changes, said):
    with pytest.raises(TwinspikeError, match=said):
        train(config_of(tmp_path, **changes), tmp_path / "out", progress=False, dataset=corners_dataset())
