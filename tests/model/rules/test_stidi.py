"""Displacement of firing times: a convolution that learns, with the integers that it is exported as."""

import numpy as np
import pytest
from support.corners import trained_on_corners

from twinspike.numerics.errors import TwinspikeError
from twinspike.sim import golden

CONFIG = """
seed = 1
timesteps = 12
[encoder]
kind = "latency"
threshold = 16
[training]
rule = "stidi"
epochs = 100
batch_size = 20
learning_rate = 0.02
initial_weights = "positive"
initial_gain = 2.0
initial_bias = {bias}
gap = 2
rise = {rise}
[[layers]]
kind = "conv"
channels = 8
kernel = [3, 3]
stride = [2, 2]
padding = [1, 1]
weight_bits = {bits}
single_spike = true
leak_shift = 0
norm = "{norm}"
layer_scale = true
[[layers]]
neurons = 3
weight_bits = {bits}
single_spike = true
leak_shift = 0
state_bits = {state}
layer_scale = true
"""
USUAL = {"bits": 1, "norm": "none", "bias": 0.0, "rise": 1, "state": 16}


def run_of(tmp_path, **changes):
    return trained_on_corners(tmp_path, CONFIG.format(**{**USUAL, **changes}))


@pytest.mark.parametrize("changes", [{}, {"bits": 5, "rise": 3}])
def test_a_convolution_learns_and_is_exported_as_it_spikes(tmp_path, changes):
    metrics, dataset, network = run_of(tmp_path, **changes)
    assert metrics["accuracy"] > 0.9 and metrics["torch_golden_compared"] > 0
    trace = golden.run(network, network.encode(dataset.test_images))
    times = np.where(trace.spikes[-1].any(0), trace.spikes[-1].argmax(0), network.timesteps)
    assert np.array_equal(trace.results.label, times.argmin(1))  # numpy's argmin: the lowest index of equals
    assert all(len(np.unique(layer.threshold)) == 1 for layer in network.layers if not changes)
    assert not changes or {-1, 1} < set(np.unique(network.layers[0].weight))


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"norm": "weight"}, r"layers\.0\.norm = 'weight'.*none, where training\.rule is stidi"),
        ({"bias": 0.1}, r"training\.initial_bias = 0\.1.*0, where training\.rule is stidi"),
        ({"bits": 8, "state": 12}, r"layers\.1\.state_bits = 12.*at least 15, where training\.rule is stidi"),
    ],
)
def test_networks_that_the_rule_cannot_train_are_refused(tmp_path, changes, said):
    with pytest.raises(TwinspikeError, match=said):
        run_of(tmp_path, **changes)
