"""Layers that share one weight tensor, and what only some networks have: old files keep their bytes."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from support.maps import network_of, random_conv
from support.networks import random_layer

import twinspike.pretrained
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import load_network, parse_network
from twinspike.sim import golden

PRETRAINED = sorted(Path(twinspike.pretrained.__file__).parent.glob("*/network.safetensors"))


def sharing(**changes):
    rng = np.random.default_rng(0)
    first = random_conv(rng, (4, 4, 2), 2, (3, 3), padding=(1, 1))
    second = dataclasses.replace(first, bias=-first.bias, threshold=first.threshold + 1, weights_of=0)
    second = dataclasses.replace(second, **changes)
    return network_of([first, second, random_layer(rng, 32, 3)], (4, 4, 2))


def test_the_weights_are_stored_once():
    network = sharing()
    assert "layers.0.weight" in network.tensors() and "layers.1.weight" not in network.tensors()
    assert network.layers[1].table()["weights_of"] == 0 and "weights_of" not in network.layers[0].table()
    read = parse_network(network.to_bytes(), "file")
    assert read.to_bytes() == network.to_bytes()
    spikes = np.random.default_rng(1).random((4, 3, 32)) < 0.4
    for ours, theirs in zip(golden.run(read, spikes).spikes, golden.run(network, spikes).spikes, strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"weights_of": 1},
            "layers.1.weights_of = 1 is not allowed: expected a layer before it with weights "
            "of its own, 0..0",
        ),
        (
            {"weights_of": True},
            "layers.1.weights_of = True is not allowed: expected a layer before it with "
            "weights of its own, 0..0",
        ),
        (
            {"weight": np.zeros((2, 2, 3, 3), np.int8)},
            "layers.1.weights_of = 0 is not allowed: expected the layer whose weights these are: they differ",
        ),
        (
            {"hold": True},
            "layers.1.hold = True is not allowed: expected false: only the first layer can hold its input",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(TwinspikeError) as caught:
        sharing(**changes)
    assert str(caught.value) == message


def test_other_weights_cannot_be_shared():
    rng = np.random.default_rng(0)
    first, second = random_layer(rng, 4, 3), dataclasses.replace(random_layer(rng, 3, 2), weights_of=0)
    with pytest.raises(TwinspikeError) as caught:
        network_of([first, second], (4,))
    assert str(caught.value) == (
        "layers.1.weights_of = 0 is not allowed: expected a layer with weights of [2, 3] at 4 bits"
    )


@pytest.mark.parametrize("path", PRETRAINED, ids=lambda path: path.parent.name)
def test_the_files_of_dense_networks_keep_their_bytes(path):
    assert load_network(path).content_hash == hashlib.sha256(path.read_bytes()).hexdigest()


def test_there_are_pretrained_networks():
    assert len(PRETRAINED) > 5
