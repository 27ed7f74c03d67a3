"""Training for the readout that adds up membranes: the integers of the file are those that were trained."""

import dataclasses

import numpy as np
import pytest
import torch
from support.corners import corners_dataset
from support.networks import summing

from twinspike.config import load_config
from twinspike.model.network.lif import membranes
from twinspike.model.outcome.neighbours import nearest_by_sums
from twinspike.model.training.training import train
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import load_network
from twinspike.quant.spec import NeuronSpec
from twinspike.sim import golden

CONFIG = """
seed = 1
timesteps = {timesteps}
readout = "membrane"
[encoder]
kind = "latency"
[training]
epochs = 3
batch_size = 20
learning_rate = 0.02
initial_gain = 3.0
[[layers]]
neurons = 12
[[layers]]
kind = "delay"
taps = 2
reach = 2
[[layers]]
neurons = {outputs}
"""


def run_of(tmp_path, outputs=3, timesteps=4):
    path = tmp_path / "sums.toml"
    path.write_text(CONFIG.format(outputs=outputs, timesteps=timesteps))
    dataset = corners_dataset()
    return train(load_config(str(path)), tmp_path / "out", progress=False, dataset=dataset), dataset


@pytest.mark.parametrize(
    "spec", [{}, {"leak_shift": 0}, {"forget": True, "leak_shift": 0}, {"state_bits": 4}]
)
def test_membranes_in_torch_are_those_of_the_golden_model(spec):
    network = summing(seed=3, timesteps=9, widths=(5,), **spec)
    spikes = np.random.default_rng(0).random((9, 4, network.inputs)) < 0.5
    layer = network.layers[0]
    current = torch.from_numpy(spikes @ layer.weight.T.astype(np.float32) + layer.bias).float()
    found = membranes(current.requires_grad_(), NeuronSpec(**spec))
    expected = golden.run(network, spikes, membranes=True).membranes[0]
    assert np.array_equal(found.detach().numpy(), expected)
    found.sum().backward()
    assert current.grad.abs().sum() > 0


def test_training_ends_in_a_file_with_the_same_membranes(tmp_path):
    metrics, dataset = run_of(tmp_path)
    network = load_network(tmp_path / "out" / "network.safetensors")
    assert network.readout == "membrane" and len(network.references.labels) == 0
    assert metrics["torch_golden_compared"] == 60 * 4 * (12 + 24 + 3)
    assert [row["state_bits"] <= 12 for row in metrics["state"]] == [True]
    results = golden.run(network, network.encode(dataset.test_images)).results
    assert metrics["accuracy"] == np.mean(results.label == dataset.test_labels) > 0.5
    assert metrics["spikes_per_image"]["output"] == 0 and metrics["macro_f1_knn"] > 0.5


def test_labels_without_an_output_are_refused(tmp_path):
    with pytest.raises(
        TwinspikeError, match=r"^layers.2 has 2 outputs, but labels run from 0 to 2: with readout"
    ):
        run_of(tmp_path, outputs=2)


def test_training_takes_fewer_steps_than_a_core(tmp_path):
    with pytest.raises(TwinspikeError, match=r"^timesteps = 260 is not allowed: expected an integer in"):
        run_of(tmp_path, timesteps=260)


def test_the_nearest_by_sums_are_those_of_the_l1_distance():
    stored, labels = np.array([[0, 0], [10, 0], [11, 1], [0, 9]]), np.array([0, 1, 1, 2])
    assert nearest_by_sums(np.array([[9, 1], [1, 0]]), stored, labels, k=1).tolist() == [1, 0]
    assert nearest_by_sums(np.array([[1, 1]]), stored, labels, k=3).tolist() == [0]


def test_a_configuration_says_it_only_where_it_is_not_the_default(tmp_path):
    path = tmp_path / "sums.toml"
    path.write_text(CONFIG.format(outputs=3, timesteps=4))
    config = load_config(str(path))
    assert config.table()["readout"] == "membrane"
    assert "readout" not in dataclasses.replace(config, readout="emd").table()
