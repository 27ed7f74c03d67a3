"""Training networks with feature maps end to end: every spike as in the golden model."""

import pytest
import torch
from support.corners import corners, corners_dataset

from twinspike.config import load_config
from twinspike.model.network.network import SpikingNetwork
from twinspike.model.outcome.results import spikes_compared
from twinspike.model.training.training import train
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.export import untaught_network
from twinspike.quant.network_file import load_network

HEAD = """
seed = 1
timesteps = 3
[encoder]
kind = "{encoder}"
[training]
epochs = 2
batch_size = 20
learning_rate = 0.02
initial_gain = 3.0
"""
CONV = """
[[layers]]
kind = "conv"
channels = 6
kernel = [3, 3]
padding = [1, 1]
"""
POOL = """
[[layers]]
kind = "pool"
window = [2, 2]
"""
TAPS = """
[[layers]]
kind = "taps"
channels = 6
taps = 3
reach = [5, 5]
"""
DELAY = """
[[layers]]
kind = "delay"
taps = 2
reach = 2
"""
FORGET = "forget = true\nleak_shift = 0\n"
DENSE = """
[[layers]]
neurons = 8
"""


def config_of(tmp_path, *parts, encoder="latency"):
    path = tmp_path / "maps.toml"
    path.write_text(HEAD.format(encoder=encoder) + "".join(parts))
    return load_config(str(path))


NETWORKS = [
    ("latency", [CONV, POOL + 'mode = "sum"', DENSE]),
    ("latency", [CONV, POOL, CONV + "groups = 3\nstride = [2, 2]", DENSE]),
    (
        "graded",
        [CONV + "hold = true\nstate_bits = 16", CONV + "dilation = [2, 1]", DENSE],
    ),
    ("graded", [POOL + 'mode = "sum"', DENSE, DENSE]),
    ("latency", [DENSE + "hold = true", DENSE]),
    ("latency", [DELAY, DENSE, DELAY + "learn = false", DENSE]),
    ("latency", [DELAY + "learn = false", CONV, POOL, DENSE]),
    ("latency", [CONV, DELAY, CONV + "stride = [2, 2]", DENSE, DELAY, DENSE + "sources = [4]"]),
    ("latency", [TAPS, TAPS + "stride = [2, 2]\ngroups = 2\nlearn = false", DENSE]),
    ("latency", [CONV + 'norm = "batch"', TAPS + 'norm = "batch"', DENSE]),
    ("latency", [CONV + FORGET, CONV + FORGET + 'norm = "none"', DENSE + FORGET]),
    # The residual of SEW, with what adds up after it, and the other two combinations of layers.
    ("latency", [CONV, CONV, CONV + "sources = [0, 1]", POOL + "sources = [1, 2]", DENSE]),
    ("latency", [CONV, CONV, CONV + 'sources = [0, 1]\ncombine = "and"', DENSE]),
    ("latency", [CONV, CONV, CONV, DENSE + 'sources = [0, 2]\ncombine = "iand"']),
    (
        "graded",
        [POOL + 'mode = "sum"', POOL + 'mode = "or"\nsources = [-1]', DENSE + "sources = [0, 1]", DENSE],
    ),
    ("latency", [DENSE, DENSE + "sources = [-1]", DENSE + "sources = [0, 1]"]),
    # Shared weights: of standardised, normalised and dense layers.
    ("latency", [CONV, CONV, CONV + "weights_of = 1", DENSE, DENSE + "sources = [2]\nweights_of = 3"]),
    ("latency", [CONV, CONV + 'norm = "batch"', CONV + 'norm = "batch"\nweights_of = 1', TAPS, TAPS, DENSE]),
]


@pytest.mark.parametrize("encoder, parts", NETWORKS)
def test_training_ends_in_a_file_with_the_same_spikes(tmp_path, encoder, parts):
    config = config_of(tmp_path, *parts, encoder=encoder)
    dataset = corners_dataset()
    metrics = train(config, tmp_path / "out", progress=False, dataset=dataset)
    network = load_network(tmp_path / "out" / "network.safetensors")
    assert metrics["torch_golden_compared"] == 60 * 3 * sum(layer.neurons for layer in network.layers)
    assert [layer.kind for layer in network.layers] == [layer.kind for layer in config.layers]
    assert network.layers[0].hold == getattr(config.layers[0], "hold", False)
    assert metrics["spikes_per_image"]["hidden"] > 0 and metrics["synaptic_operations"] > 0
    assert metrics["macro_f1"] > 0.5


def test_a_spike_that_differs_is_found(tmp_path):
    config = config_of(tmp_path, CONV, POOL + 'mode = "sum"', DENSE)
    network = SpikingNetwork(config, (6, 6))
    network.initialise(config.training, torch.Generator().manual_seed(0))
    images, _ = corners(10, 0)
    integer = untaught_network(
        network.stages, name="x", timesteps=3, encoder=config.encoder, shape=(6, 6), provenance={}
    )
    assert spikes_compared(network.eval(), integer, images, False) == 10 * 3 * (216 + 54 + 8)
    integer.layers[0].threshold[3] += 5
    with pytest.raises(
        TwinspikeError, match="torch and golden model differ at frame 0, step 0, layer 0, neuron "
    ):
        spikes_compared(network, integer, images, False)


@pytest.mark.parametrize(
    "parts, message",
    [
        (
            [CONV, POOL],
            "layers.1.kind = 'pool' is not allowed: expected a kind with neurons, in the last layer",
        ),
        (
            [CONV, CONV + "hold = true"],
            "layers.1.hold = True is not allowed: expected false: only the first layer can hold its input",
        ),
        (
            [CONV, CONV.replace("[3, 3]", "[9, 9]"), DENSE],
            "layers.1: its kernel does not fit the map [6, 6, 6]: use a smaller kernel or dilation, "
            "or more padding",
        ),
        (
            [CONV, CONV + "groups = 4", DENSE],
            "layers.1.groups = 4 is not allowed: expected a divisor of 6 input and 6 output channels",
        ),
        (
            [CONV, CONV + "sources = [2]", CONV, DENSE],
            "layers.1.sources = [2] is not allowed: expected layers before it, -1..0",
        ),
        (
            [CONV, DENSE + "sources = [-1, 0]"],
            "layers.1.sources have maps of [6, 6] and [6, 6, 6]: all must have the same shape",
        ),
        (
            [CONV, DENSE + 'combine = "iand"'],
            "layers.1.sources = [0] is not allowed: expected two layers, for combine = iand",
        ),
        (
            [CONV, CONV + "weights_of = 0", DENSE],
            "layers.1.weights_of = 0 is not allowed: expected a layer with weights of [6, 6, 3, 3] at 4 bits",
        ),
        (
            [CONV, CONV, CONV + "weights_of = 1\nweight_bits = 3", DENSE],
            "layers.2.weights_of = 1 is not allowed: expected a layer with weights of [6, 6, 3, 3] at 3 bits",
        ),
        (
            [POOL, DENSE + "weights_of = 0"],
            "layers.1.weights_of = 0 is not allowed: expected a layer before it with weights "
            "of its own, 0..0",
        ),
        (
            [DENSE, DENSE + "weights_of = 1"],
            "layers.1.weights_of = 1 is not allowed: expected a layer before it with weights "
            "of its own, 0..0",
        ),
        (
            [CONV, CONV, CONV + "weights_of = 1", CONV + "weights_of = 2", DENSE],
            "layers.3.weights_of = 2 is not allowed: expected a layer with weights of its own",
        ),
        (
            [CONV + "forget = true", DENSE],
            "layers.0.leak_shift = 3 is not allowed: expected 0, where forget = true",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(tmp_path, parts, message):
    with pytest.raises(TwinspikeError) as caught:
        SpikingNetwork(config_of(tmp_path, *parts), (6, 6))
    assert str(caught.value) == message


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(
        TwinspikeError, match=r"layers.0.kind = 'loop' is not allowed: expected one of dense, conv"
    ):
        config_of(tmp_path, '[[layers]]\nkind = "loop"\n')


def test_a_price_of_clocks_lowers_them_behind_a_map(tmp_path):
    dataset = corners_dataset()
    spikes = []
    for weight in (0.0, 300.0):
        config = config_of(tmp_path, f"cycles_weight = {weight}\nactivity_weight = 0.0\n", CONV, DENSE)
        metrics = train(config, tmp_path / f"out{weight}", progress=False, dataset=dataset)
        spikes.append(metrics["spikes_per_image"]["hidden"])
    assert spikes[1] < spikes[0]


def test_a_layer_has_a_target_of_its_own(tmp_path):
    config = config_of(tmp_path, CONV + "activity_target = 0.5\n", POOL, CONV, DENSE)
    assert SpikingNetwork(config, (6, 6)).activity_targets == [0.5, 0.3, None]
    config = config_of(tmp_path, CONV, DENSE + "activity_target = 0.0\n")
    assert SpikingNetwork(config, (6, 6)).activity_targets == [0.3, 0.0]
    assert "activity_target" not in config.table()["layers"][0]
    assert config.table()["layers"][1]["activity_target"] == 0.0 and config.trains_as(config.table())


def test_a_configuration_gives_its_keys_back(tmp_path):
    config = config_of(tmp_path, CONV + "hold = true\n", POOL, DENSE)
    conv, pool, dense = config.table()["layers"]
    assert conv["kernel"] == [3, 3] and conv["hold"] and conv["kind"] == "conv" and "neurons" not in conv
    assert pool == {"kind": "pool", "window": [2, 2], "mode": "or"} and "hold" not in dense
    assert config.trains_as(config.table())
