import json

import numpy as np
import pytest
from support.maps import network_of, random_conv
from support.networks import random_layer

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.layer import relay
from twinspike.quant.network_file import parse_network, put_together
from twinspike.quant.synapses.delay import Delay
from twinspike.sim import golden, scalar

RNG = np.random.default_rng(0)


def delays(source, taps, reach, seed=0):
    rng = np.random.default_rng(seed)
    return Delay.over(source, rng.integers(0, reach + 1, (int(np.prod(source)), taps)).astype(np.uint8))


def network(synapses, *, timesteps=4):
    layer = relay(synapses)
    return network_of([layer, random_layer(RNG, layer.neurons, 3)], synapses.source, timesteps)


def test_a_spike_comes_as_many_steps_later_and_is_dropped_beyond_the_frame():
    synapses = Delay.over((2,), np.array([[0, 2, 3], [1, 255, 1]], np.uint8))
    spikes = np.zeros((4, 1, 2), int)
    spikes[0, 0], spikes[1, 0] = [1, 0], [5, 1]  # what comes several times in a step counts once
    sent = synapses.trains(spikes)
    assert sent.dtype == bool and sent.shape == (4, 1, 6)
    assert {(int(t), int(n)) for t, _, n in np.argwhere(sent)} == {
        (0, 0),
        (1, 0),
        (2, 1),
        (3, 1),
        (3, 2),
        (2, 3),
        (2, 5),
    }


@pytest.mark.parametrize("source", [(5,), (2, 3), (2, 2, 3)])
def test_golden_and_scalar_agree_and_a_file_holds_the_tensor(source):
    made = network(delays(source, 3, 6), timesteps=5)
    again = parse_network(made.to_bytes(), "file")
    assert again.to_bytes() == made.to_bytes()
    assert made.layers[0].table() == {"kind": "delay"} and "layers.0.delay" in made.tensors()
    spikes = RNG.random((5, 3, made.inputs)) < 0.4
    trace = golden.run(again, spikes, membranes=True)
    for b in range(3):
        trains, _ = scalar.run(again, spikes[:, b].tolist())
        assert [train[:, b].tolist() for train in trace.spikes] == trains
    assert not trace.membranes[0].any()


def test_taps_of_a_step_each_make_a_dense_layer_a_convolution_over_time():
    taps, dilation, steps = 3, 2, 9
    fixed = Delay.over((4,), np.tile(np.arange(taps, dtype=np.uint8) * dilation, (4, 1)))
    spikes = RNG.random((steps, 2, 4)) < 0.5
    weight = RNG.integers(-7, 8, (5, 4 * taps))
    current = fixed.trains(spikes) @ weight.T
    for t in range(steps):
        past = [spikes[t - k * dilation] if t >= k * dilation else 0 * spikes[0] for k in range(taps)]
        expected = sum(x.astype(int) @ weight[:, k::taps].T for k, x in enumerate(past))
        assert np.array_equal(current[t], expected)


def test_behind_a_map_the_outputs_are_a_map_of_more_channels():
    synapses = delays((4, 3, 2), 3, 4)
    assert synapses.shape == (4, 3, 6) and delays((4, 3), 2, 1).shape == (4, 3, 2)
    assert delays((4,), 2, 1).shape == (8,)
    conv = random_conv(RNG, synapses.shape, 2, (2, 2))
    made = network_of([relay(synapses), conv, random_layer(RNG, conv.neurons, 2)], (4, 3, 2))
    assert made.layers[1].inputs == 4 * 3 * 6


@pytest.mark.parametrize(
    "delay, message",
    [
        (
            np.zeros((3, 2), np.uint8),
            "layers.0.delay shape = (3, 2) is not allowed: expected [4, taps >= 1]",
        ),
        (np.zeros((4, 0), np.uint8), "layers.0.delay shape = (4, 0) is not allowed: expected [4, taps >= 1]"),
        (np.zeros(4, np.uint8), "layers.0.delay shape = (4,) is not allowed: expected [4, taps >= 1]"),
        (np.zeros((4, 2), np.int8), "layers.0.delay dtype = 'int8' is not allowed: expected uint8"),
        (
            np.zeros((4, 8193), np.uint8),
            "layers.0.delay shape = (4, 8193) is not allowed: expected [4, taps], at most 32768 outputs",
        ),
    ],
)
def test_what_does_not_fit_is_refused(delay, message):
    with pytest.raises(TwinspikeError) as caught:
        network_of([relay(Delay.over((4,), delay)), random_layer(RNG, 4 * 2, 3)], (4,))
    assert str(caught.value) == message


def test_the_source_and_the_keys_of_a_file_are_checked():
    with pytest.raises(TwinspikeError, match=r"^layers.0 input map = \[2, 2\] is not allowed: expected that"):
        network_of([relay(delays((2, 2), 2, 3)), random_layer(RNG, 8, 3)], (4,))
    with pytest.raises(
        TwinspikeError, match=r"^layers.0.kind = 'delay' is not allowed: expected a kind with"
    ):
        network_of([relay(delays((4,), 2, 3))], (4,))
    made = network(delays((4,), 2, 3))
    metadata = json.loads(made.metadata())
    metadata["layers"][0]["taps"] = 2
    with pytest.raises(TwinspikeError) as caught:
        put_together(json.dumps(metadata), made.tensors())
    assert str(caught.value) == "layers.0.taps is unknown: allowed keys are kind, sources, combine"
    tensors = {name: tensor for name, tensor in made.tensors().items() if name != "layers.0.delay"}
    with pytest.raises(TwinspikeError, match=r"^tensor layers.0.delay is missing"):
        put_together(made.metadata(), tensors)
