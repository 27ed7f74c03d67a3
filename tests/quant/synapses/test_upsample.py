import json

import numpy as np
import pytest
from support.maps import network_of
from support.networks import random_layer

from twinspike.hw.plan import make_plan
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.layer import relay
from twinspike.quant.network_file import parse_network, put_together
from twinspike.quant.synapses.upsample import Upsample

RNG = np.random.default_rng(0)


def network(made, shape=(4, 5, 2)):
    layer = relay(made)
    return network_of([layer, random_layer(RNG, layer.neurons, 3)], shape)


def test_an_output_is_the_input_of_its_block():
    made = Upsample.over((2, 3, 2), (3, 2))
    spikes = RNG.integers(0, 4, (5, 12))
    sent = made.currents(np.zeros(0), spikes).reshape(5, *made.shape)
    assert made.shape == (6, 6, 2) and made.neurons == sent[0].size
    for y, x, c in np.ndindex(*made.shape):
        assert np.array_equal(sent[:, y, x, c], spikes.reshape(5, 2, 3, 2)[:, y // 3, x // 2, c])


def test_trains_are_spikes_where_they_came_as_spikes():
    made = Upsample.over((1, 2, 1), (1, 2))
    assert made.trains(np.array([[True, False]])).dtype == bool
    several = made.trains(np.array([[3, 0]]))
    assert several.dtype == np.int32 and several.tolist() == [[3, 3, 0, 0]]


def test_a_file_holds_its_key_alone_and_no_tensor():
    made = network(Upsample.over((4, 5, 2), (2, 3)))
    assert made.layers[0].table() == {"kind": "upsample", "window": [2, 3]}
    assert not any(name.startswith("layers.0.") for name in made.tensors())
    read = parse_network(made.to_bytes(), "file")
    assert read.to_bytes() == made.to_bytes() and read.layers[0].synapses == made.layers[0].synapses


@pytest.mark.parametrize(
    "made, message",
    [
        (
            Upsample.over((4, 5, 2), (255, 255)),
            "layers.0.window = [255, 255] is not allowed: expected at most 32768 outputs, [4, 5, 2] having "
            "40 addresses",
        ),
        (
            Upsample.over((5, 4, 2), (2, 2)),
            "layers.0 input map = [5, 4, 2] is not allowed: expected that of its source, [4, 5, 2]",
        ),
        (
            Upsample.over((4, 5, 1), (2, 2)),
            "layers.0 input map = [4, 5, 1] is not allowed: expected a map of 40 addresses",
        ),
    ],
)
def test_what_does_not_fit_is_refused(made, message):
    with pytest.raises(TwinspikeError) as caught:
        network(made)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "window, message",
    [
        ([0, 2], "layers.0.window = [0, 2] is not allowed: expected two integers [y, x] in 1..32767"),
        (None, "layers.0.window is missing"),
    ],
)
def test_the_key_of_a_file_is_checked(window, message):
    made = network(Upsample.over((4, 5, 2), (2, 2)))
    metadata = json.loads(made.metadata())
    metadata["layers"][0] = {"kind": "upsample", **({"window": window} if window else {})}
    with pytest.raises(TwinspikeError) as caught:
        put_together(json.dumps(metadata), made.tensors())
    assert str(caught.value) == message


def test_a_core_has_no_such_layer():
    with pytest.raises(TwinspikeError, match=r"layers\.0\.kind = 'upsample' is not allowed: expected a kind"):
        make_plan(network(Upsample.over((4, 5, 2), (2, 2))))
