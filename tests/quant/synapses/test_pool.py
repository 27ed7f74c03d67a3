import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.maps import network_of, random_conv
from support.networks import random_layer

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.layer import relay
from twinspike.quant.network_file import parse_network, put_together
from twinspike.quant.synapses.pool import MODES, Pool

RNG = np.random.default_rng(0)


def network(pool, *, shape=(4, 5, 2), last=True):
    layer = relay(pool)
    return network_of([layer, random_layer(RNG, layer.neurons, 3)] if last else [layer], shape)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.sampled_from(MODES), st.data())
def test_an_input_goes_to_the_output_of_its_window(height, width, channels, mode, data):
    window = (data.draw(st.integers(1, height)), data.draw(st.integers(1, width)))
    pool = Pool.over((height, width, channels), window, mode)
    sent = pool.currents(np.zeros(0), np.eye(pool.inputs, dtype=np.int64))
    for address in range(pool.inputs):
        output = pool.output_of(address)
        assert np.flatnonzero(sent[address]).tolist() == ([] if output is None else [output])
    every = pool.currents(np.zeros(0), np.ones((1, pool.inputs), bool))[0]
    assert np.array_equal(every, pool.reach(np.zeros(0))[1])


def test_a_file_holds_its_keys_alone_and_no_tensor():
    made = network(Pool.over((4, 5, 2), (2, 3), "sum"))
    assert made.layers[0].table() == {"kind": "pool", "window": [2, 3], "mode": "sum"}
    assert not any(name.startswith("layers.0.") for name in made.tensors())
    read = parse_network(made.to_bytes(), "file")
    assert read.to_bytes() == made.to_bytes() and read.layers[0].synapses == made.layers[0].synapses


@pytest.mark.parametrize(
    "pool, message",
    [
        (
            Pool.over((4, 5, 2), (5, 1)),
            "layers.0.window = [5, 1] is not allowed: expected at most the map's rows and columns, [4, 5]",
        ),
        (
            Pool.over((4, 5, 2), (2, 2), "max"),
            "layers.0.mode = 'max' is not allowed: expected one of or, sum",
        ),
        (
            Pool.over((5, 4, 2), (2, 2)),
            "layers.0 input map = [5, 4, 2] is not allowed: expected that of its source, [4, 5, 2]",
        ),
    ],
)
def test_what_does_not_fit_is_refused(pool, message):
    with pytest.raises(TwinspikeError) as caught:
        network(pool)
    assert str(caught.value) == message


def test_the_last_layer_has_neurons():
    with pytest.raises(TwinspikeError) as caught:
        network(Pool.over((4, 5, 2), (2, 2)), last=False)
    message = "layers.0.kind = 'pool' is not allowed: expected a kind with neurons, in the last layer"
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"window": [2]}, "layers.0.window = [2] is not allowed: expected two integers [y, x] in 1..32767"),
        ({"window": None}, "layers.0.window is missing"),
        ({"leak_shift": 3}, "layers.0.leak_shift is unknown: allowed keys are window, mode"),
        ({"weights_of": 0}, "layers.0.weights_of is unknown: kind pool has no weights"),
        (
            {"hold": True},
            "layers.0.hold = True is not allowed: expected false: only the first layer can hold its input",
        ),
        ({"hold": 1}, "layers.0.hold = 1 is not allowed: expected true or false"),
    ],
)
def test_keys_of_a_file_are_checked(keys, message):
    made = network(Pool.over((4, 5, 2), (2, 2)))
    entry = {k: v for k, v in (made.layers[0].table() | keys).items() if v is not None}
    metadata = json.loads(made.metadata())
    metadata["layers"][0] = entry
    with pytest.raises(TwinspikeError) as caught:
        put_together(json.dumps(metadata), made.tensors())
    assert str(caught.value) == message


def test_pools_hold_nothing_to_share():
    conv = random_conv(RNG, (4, 5, 2), 2, (1, 1))
    sharing = dataclasses.replace(conv, weights_of=0)
    assert "weight" not in sharing.tensors
    with pytest.raises(
        TwinspikeError, match=r"layers.1.weights_of = 0 is not allowed: expected a layer with"
    ):
        network_of([relay(Pool.over((4, 5, 2), (1, 1))), sharing], (4, 5, 2))
