"""Export: the golden model of the exported integers spikes exactly as the torch network does."""

import numpy as np
import pytest
import torch

from twinspike.config import load_config
from twinspike.model.network.network import SpikingNetwork
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.export import integer_layer, package_versions, untaught_network
from twinspike.quant.layers.dense import QuantDense
from twinspike.quant.network_file import parse_network
from twinspike.quant.spec import NeuronSpec
from twinspike.sim import golden

LAYER = """
[[layers]]
neurons = {neurons}
weight_bits = {bits}
leak_shift = {leak}
reset = "{reset}"
single_spike = {single}
state_bits = {state}
"""


def network_of(tmp_path, layers: list[dict], encoder: str = "latency", timesteps: int = 8):
    path = tmp_path / "some.toml"
    text = f'dataset = "digits"\ntimesteps = {timesteps}\n[encoder]\nkind = "{encoder}"\n'
    path.write_text(text + "".join(LAYER.format(**layer) for layer in layers))
    config = load_config(str(path))
    network = SpikingNetwork(config, (7, 6))
    network.initialise(config.training, torch.Generator().manual_seed(1))
    exported = untaught_network(
        network.synapses,
        name="some",
        timesteps=timesteps,
        encoder=config.encoder,
        shape=(7, 6),
        provenance={},
    )
    return network, exported


def layer(neurons=20, bits=4, leak=3, reset="subtract", single="false", state=12) -> dict:
    names = {"neurons": neurons, "bits": bits, "leak": leak, "reset": reset, "single": single, "state": state}
    return names


@pytest.mark.parametrize(
    "layers, encoder, timesteps",
    [
        ([layer(), layer(9)], "latency", 8),
        ([layer(bits=1, leak=0), layer(9, bits=2, reset="zero")], "rate", 20),
        ([layer(bits=8, state=6), layer(15, single="true"), layer(9, bits=3, leak=1)], "on-off", 5),
        ([layer(state=4, reset="zero", single="true")], "rank-order", 12),
    ],
)
def test_golden_model_equals_torch(tmp_path, layers, encoder, timesteps):
    network, exported = network_of(tmp_path, layers, encoder, timesteps)
    images = np.random.default_rng(0).integers(0, 256, (60, 7, 6)).astype(np.uint8)
    with torch.no_grad():
        found = network(torch.from_numpy(images))
    expected = golden.run(exported, exported.encode(images)).spikes
    assert len(found) == len(expected) == len(layers)
    for got, want in zip(found, expected, strict=True):
        assert want.any()
        assert np.array_equal(got.numpy() == 1, want)


def test_file_holds_what_training_computed(tmp_path):
    network, exported = network_of(tmp_path, [layer(), layer(9, bits=1)])
    read = parse_network(exported.to_bytes(), "network")
    for dense, stored in zip(network.synapses, read.layers, strict=True):
        weight, bias, threshold = (x.detach().numpy() for x in dense.integers())
        assert np.array_equal(stored.weight, weight) and stored.weight.dtype == np.int8
        assert np.array_equal(stored.bias, bias) and np.array_equal(stored.threshold, threshold)
        assert stored.spec == dense.spec


def test_weights_that_are_not_finite_are_refused():
    dense = QuantDense(4, 3, NeuronSpec())
    with torch.no_grad():
        dense.linear.weight[1, 2] = float("nan")
    with pytest.raises(TwinspikeError, match=r"^layers\.0\.weight holds values that are no int8: train"):
        integer_layer(dense, "layers.0")


def test_versions_name_what_a_network_depends_on():
    assert {"twinspike", "torch", "brevitas", "numpy"} <= package_versions().keys()
