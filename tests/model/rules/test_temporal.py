"""Learning by firing times: a training, what it changes, and the networks that it refuses."""

import numpy as np
import pytest
import torch
from support.corners import trained_on_corners

from twinspike.config import load_config
from twinspike.model.inputs.inputs import input_spikes
from twinspike.model.network.network import SpikingNetwork
from twinspike.model.rules.base import Batch, Means, make_rule
from twinspike.model.rules.firing import BOUND
from twinspike.model.rules.ranks import Ranks
from twinspike.model.training.training import TrainingInterrupted
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim import golden

CONFIG = """
seed = 1
timesteps = 12
[encoder]
kind = "latency"
threshold = 16
[training]
rule = "temporal"
epochs = 25
batch_size = 20
learning_rate = 0.02
initial_gain = 4.0
initial_bias = 0.0
gap = 2
[[layers]]
neurons = 24
weight_bits = {bits}
single_spike = true
leak_shift = 0
layer_scale = {scale}
[[layers]]
neurons = {outputs}
weight_bits = {bits}
single_spike = {single}
leak_shift = {leak}
layer_scale = {scale}
"""
USUAL = {"bits": 1, "scale": "true", "outputs": 3, "single": "true", "leak": 0}


def run_of(tmp_path, on_step=None, resume=False, **changes):
    text = CONFIG.format(**{**USUAL, **changes})
    return trained_on_corners(tmp_path, text, on_step=on_step, resume=resume)


@pytest.mark.parametrize("changes", [{}, {"bits": 6}, {"bits": 6, "scale": "false"}])
def test_the_first_spike_answers_and_the_network_learns(tmp_path, changes):
    metrics, dataset, network = run_of(tmp_path, **changes)
    trace = golden.run(network, network.encode(dataset.test_images))
    times = np.where(trace.spikes[-1].any(0), trace.spikes[-1].argmax(0), network.timesteps)
    assert np.array_equal(trace.results.label, times.argmin(1))  # numpy's argmin: the lowest index of equals
    assert trace.spikes[0].sum(0).max() == 1
    assert metrics["accuracy"] > 0.9
    assert not network.layers[0].bias.any()
    if not changes:
        for layer in network.layers:
            assert set(np.unique(layer.weight)) == {-1, 1}
            assert len(np.unique(layer.threshold)) == 1


def test_scales_of_layers_learn_and_weights_of_silent_inputs_do_not():
    config = load_config("bs4nn")
    network = SpikingNetwork(config, (28, 28))
    network.initialise(config.training, torch.Generator().manual_seed(0))
    rule = make_rule(network, Means(config.training, Ranks()))
    levels = [layer.level.item() for layer in network.synapses]
    bounds = [BOUND * level for level in np.exp(levels)]
    weights = [layer.weight.detach().clone() for layer in network.synapses]
    assert min(weight.min() for weight in weights) >= 0
    assert all(weight.max() > bound for weight, bound in zip(weights, bounds, strict=True))
    images = torch.randint(0, 256, (40, 28, 28), dtype=torch.uint8)
    images[:, :14] = 0
    spikes = input_spikes(config.encoder, images, config.timesteps)
    figures = rule.step(network, Batch(spikes, torch.arange(40) % 10, 0.02))
    assert figures["loss"] > 0 and 0 < figures["layer 0"] <= 1
    assert all(layer.level.item() != level for layer, level in zip(network.synapses, levels, strict=True))
    change = (network.synapses[0].weight.detach() - weights[0].clamp(max=bounds[0])).abs()
    assert change[:, : 14 * 28].max() < 1e-6 < 1e-4 < change[:, 14 * 28 :].max()


def test_a_training_that_is_interrupted_ends_in_the_same_file(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    _, _, whole = run_of(tmp_path / "whole")

    def stop(epoch, step):
        if (epoch, step) == (3, 2):
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        run_of(tmp_path / "parts", stop)
    _, _, parts = run_of(tmp_path / "parts", resume=True)
    for one, other in zip(whole.layers, parts.layers, strict=True):
        assert np.array_equal(one.weight, other.weight) and np.array_equal(one.threshold, other.threshold)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"leak": 3}, r"layers\.1\.leak_shift = 3.*where training\.rule is temporal"),
        ({"single": "false"}, r"layers\.1\.single_spike = False.*where training\.rule is temporal"),
        ({"outputs": 2}, r"layers\.1 has 2 outputs, but labels run from 0 to 2.*training\.rule = temporal"),
    ],
)
def test_networks_that_the_rule_cannot_train_are_refused(tmp_path, changes, said):
    with pytest.raises(TwinspikeError, match=said):
        run_of(tmp_path, **changes)
