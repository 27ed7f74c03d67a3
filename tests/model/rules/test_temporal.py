"""Backpropagation on firing times: the papers' formulas on numbers checked by hand, and a training."""

import numpy as np
import pytest
import torch
from support.corners import corners

from twinspike.config import load_config
from twinspike.model.data.dataset import Dataset
from twinspike.model.rules.temporal import error_before, firing_times, target_times
from twinspike.model.training.training import TrainingInterrupted, train
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import load_network
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
    path = tmp_path / "times.toml"
    path.write_text(CONFIG.format(**{**USUAL, **changes}))
    dataset = Dataset("corners", *corners(120, 0), *corners(60, 1), {"corners": "none"})
    out = tmp_path / "out"
    config = load_config(str(path))
    metrics = train(config, out, progress=False, dataset=dataset, on_step=on_step, resume=resume)
    return metrics, dataset, load_network(out / "network.safetensors")


def test_firing_times_are_steps_and_silence_is_the_end():
    train = torch.zeros(5, 1, 4)
    train[0, 0, 0] = train[3, 0, 1] = train[4, 0, 2] = 1
    assert firing_times(train).tolist() == [[0, 3, 4, 5]]


def test_targets_are_relative_to_the_first_spike():
    times = torch.tensor([[4.0, 2.0, 9.0, 3.0], [10.0, 10.0, 10.0, 10.0], [9.0, 10.0, 10.0, 10.0]])
    found = target_times(times, torch.tensor([0, 2, 1]), steps=10, gap=3)
    # Class 0 ought to come first; 1 and 3 are less than 3 steps behind the first; 2 is far enough.
    assert found[0].tolist() == [2, 5, 9, 5]
    # Nobody spikes: the class itself is to spike a gap before the end.
    assert found[1].tolist() == [10, 10, 7, 10]
    # No target lies behind the end.
    assert found[2].tolist() == [10, 9, 10, 10]


def test_errors_go_back_to_inputs_that_spiked_in_time():
    rng = np.random.default_rng(0)
    weight, error = rng.normal(size=(3, 5)), rng.normal(size=(2, 3))
    before, times = rng.integers(0, 9, (2, 5)), rng.integers(0, 9, (2, 3))
    steps = 8
    expected = np.zeros((2, 5))
    for b in range(2):
        for i in range(5):
            for j in range(3):
                if before[b, i] < steps and before[b, i] <= times[b, j]:
                    expected[b, i] += error[b, j] * weight[j, i]
    found = error_before(*(torch.from_numpy(x).float() for x in (weight, error, before, times)), steps)
    assert np.allclose(found.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("changes", [{}, {"bits": 6, "scale": "false"}])
def test_the_first_spike_answers_and_the_network_learns(tmp_path, changes):
    metrics, dataset, network = run_of(tmp_path, **changes)
    trace = golden.run(network, network.encode(dataset.test_images))
    times = firing_times(torch.from_numpy(trace.spikes[-1]).float()).numpy()
    assert np.array_equal(trace.results.label, times.argmin(1))  # numpy's argmin: the lowest index of equals
    assert trace.spikes[0].sum(0).max() == 1
    assert metrics["accuracy"] > 0.9
    assert not network.layers[0].bias.any()
    if not changes:
        for layer in network.layers:
            assert set(np.unique(layer.weight)) == {-1, 1}
            assert len(np.unique(layer.threshold)) == 1


def test_thresholds_of_a_layer_learn(tmp_path):
    _, _, network = run_of(tmp_path)
    path = tmp_path / "times.toml"
    config = load_config(str(path)).changed("still", training={"learning_rate": 1e-6, "epochs": 1})
    dataset = Dataset("corners", *corners(120, 0), *corners(60, 1), {"corners": "none"})
    train(config, tmp_path / "still", progress=False, dataset=dataset)
    still = load_network(tmp_path / "still" / "network.safetensors")
    assert [x.threshold[0] for x in network.layers] != [x.threshold[0] for x in still.layers]


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
