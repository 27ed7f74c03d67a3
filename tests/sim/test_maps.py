"""Golden model and scalar interpreter on networks with feature maps, and torch's own convolution."""

import dataclasses
from math import prod

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.maps import network_of, random_conv, random_taps
from support.networks import random_layer

from twinspike.quant.layer import relay
from twinspike.quant.network_file import parse_network
from twinspike.quant.spec import COMBINES, RESETS, NeuronSpec
from twinspike.quant.synapses.delay import Delay
from twinspike.quant.synapses.maps import as_map
from twinspike.quant.synapses.pool import MODES, Pool
from twinspike.quant.synapses.upsample import Upsample
from twinspike.sim import golden, scalar

FORGETFUL = {"leak_shift": 0, "forget": True}
pairs = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))  # noqa: E731
specs = st.builds(
    lambda **keys: NeuronSpec(**keys) if keys["leak_shift"] >= 0 else NeuronSpec(**keys | FORGETFUL),
    weight_bits=st.integers(1, 8),
    leak_shift=st.integers(-1, 4),
    reset=st.sampled_from(RESETS),
    single_spike=st.booleans(),
    state_bits=st.integers(4, 12),
)


def drawn_conv(draw, map, rng):
    """Stride beyond the kernel, kernel beyond the map, padding beyond the kernel, depthwise, dilation."""
    groups = draw(st.sampled_from([n for n in range(1, map[2] + 1) if map[2] % n == 0]))
    geometry = {"stride": draw(pairs(1, 3)), "padding": draw(pairs(0, 4)), "dilation": draw(pairs(1, 2))}
    kernel = draw(pairs(1, 3))
    spec, filters = draw(specs), groups * draw(st.integers(1, 2))
    made = random_conv(rng, map, filters, kernel, spec=spec, groups=groups, **geometry)
    if min(made.synapses.places) >= 1:
        return made
    return random_conv(rng, map, filters, (1, 1), spec=spec, groups=groups)


def drawn_taps(draw, map, rng):
    groups = draw(st.sampled_from([n for n in range(1, map[2] + 1) if map[2] % n == 0]))
    filters, taps, stride = groups * draw(st.integers(1, 2)), draw(st.integers(1, 4)), draw(pairs(1, 3))
    return random_taps(rng, map, filters, taps, spec=draw(specs), groups=groups, stride=stride)


def drawn_pool(draw, map, rng):
    window = (draw(st.integers(1, map[0])), draw(st.integers(1, map[1])))
    return relay(Pool.over(map, window, draw(st.sampled_from(MODES))))


def drawn_upsample(draw, map, rng):
    return relay(Upsample.over(map, draw(pairs(1, 2))))


def drawn_delay(draw, map, rng):
    taps = draw(st.integers(1, 2))
    return relay(
        Delay.over(map, rng.integers(0, draw(st.integers(1, 6)), (prod(map), taps)).astype(np.uint8))
    )


@st.composite
def networks(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.sampled_from([(3, 4), (1, 6), (2, 2, 3), (5,), (4, 1, 2)]))
    layers = []
    kinds = [drawn_conv, drawn_taps, drawn_pool, drawn_delay, drawn_upsample]
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3)):
        seen = layers[-1].shape if layers else shape
        layers.append(kind(draw, seen if kind is drawn_delay else as_map(seen, "map"), rng))
        map = as_map(layers[-1].shape, "map")
    if layers[0].synapses.fires and draw(st.booleans()):
        layers[0] = dataclasses.replace(layers[0], hold=True)
    # The residual of SEW, and the other ways to combine two maps.
    twin = random_conv(rng, map, map[2], (1, 1), spec=draw(specs))
    layers.append(twin)
    how, depth = draw(st.sampled_from(COMBINES)), len(layers)
    end = random_layer(rng, prod(map), draw(st.integers(1, 4)))
    layers.append(dataclasses.replace(end, sources=(depth - 2, depth - 1), combine=how))
    network = network_of(layers, shape, timesteps=draw(st.integers(1, 4)))
    often = draw(st.sampled_from([2, 2, 16]))
    spikes = rng.integers(0, often, (network.timesteps, 2, network.inputs))
    return network, spikes * (rng.random(spikes.shape) < draw(st.sampled_from([0.0, 0.4, 1.0])))


def agree(network, spikes):
    network = parse_network(network.to_bytes(), "its own file")
    trace = golden.run(network, spikes)
    for b in range(spikes.shape[1]):
        trains, _ = scalar.run(network, spikes[:, b].tolist())
        assert [train[:, b].tolist() for train in trace.spikes] == trains


@settings(max_examples=250, deadline=None)
@given(networks())
def test_golden_and_scalar_agree_on_maps(drawn):
    agree(*drawn)


def test_neurons_that_forget_start_every_step_from_nothing():
    rng = np.random.default_rng(0)
    layer = random_layer(rng, 3, 2, leak_shift=0, forget=True, state_bits=12)
    layer = dataclasses.replace(layer, threshold=np.full(2, 1000, np.int32), bias=np.array([1, -2], np.int32))
    spikes = rng.random((4, 1, 3)) < 0.5
    v = golden.run(network_of([layer], (3,)), spikes, membranes=True).membranes[0][:, 0]
    assert v.tolist() == (spikes[:, 0].astype(int) @ layer.weight.T.astype(int) + layer.bias).tolist()


def test_neurons_of_a_channel_share_its_bias_and_threshold():
    rng = np.random.default_rng(0)
    layer = random_conv(rng, (1, 3, 1), 2, (1, 1), spec=NeuronSpec(leak_shift=0))
    network = network_of([layer], (1, 3), timesteps=1)
    v = golden.run(network, np.zeros((1, 1, 3), bool), membranes=True).membranes[0][0, 0]
    u = np.where(layer.bias >= layer.threshold, layer.bias - layer.threshold, layer.bias)
    assert v.reshape(3, 2).tolist() == [u.tolist()] * 3


def test_a_held_input_counts_in_every_step():
    rng = np.random.default_rng(0)
    layer = random_layer(rng, 3, 2, leak_shift=0, state_bits=12)
    layer = dataclasses.replace(layer, threshold=np.full(2, 1000, np.int32), bias=np.array([1, -2], np.int32))
    spikes = np.zeros((4, 1, 3), np.uint8)
    spikes[0], spikes[2] = [15, 0, 3], 1  # what comes later does not count
    held = network_of([dataclasses.replace(layer, hold=True)], (3,))
    v = golden.run(held, spikes, membranes=True).membranes[0][:, 0]
    once = layer.weight.astype(int) @ [15, 0, 3] + layer.bias
    assert v.tolist() == [(once * n).tolist() for n in (1, 2, 3, 4)]


def test_pools_keep_what_they_send():
    spikes = np.array([[1, 1, 0, 0, 1, 1, 1, 0, 1]]).reshape(1, 1, 9)
    for mode, expected, kind in (("or", [1, 0, 1], bool), ("sum", [2, 0, 2], np.int32)):
        pool = relay(Pool.over((1, 9, 1), (1, 2), mode))
        end = random_layer(np.random.default_rng(0), 4, 1)
        trace = golden.run(network_of([pool, end], (1, 9), timesteps=1), spikes, membranes=True)
        assert trace.spikes[0].dtype == kind and trace.spikes[0][0, 0].tolist() == [*expected, 1]
        assert not trace.membranes[0].any()
