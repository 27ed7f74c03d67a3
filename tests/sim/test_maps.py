"""Golden model and scalar interpreter on networks with feature maps, and torch's own convolution."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.maps import network_of, random_conv
from support.networks import random_layer

from twinspike.quant.spec import RESETS, NeuronSpec
from twinspike.sim import golden, scalar

pairs = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))  # noqa: E731
specs = st.builds(
    NeuronSpec, weight_bits=st.integers(1, 8), leak_shift=st.integers(0, 4), reset=st.sampled_from(RESETS),
    single_spike=st.booleans(), state_bits=st.integers(4, 12),
)  # fmt: skip


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


@st.composite
def networks(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.sampled_from([(3, 4), (1, 6), (2, 2, 3), (5,), (4, 1, 2)]))
    map = (1, *shape, 1) if len(shape) == 1 else (*shape, 1)[:3]
    layers = [drawn_conv(draw, map, rng) for _ in range(1)]
    if draw(st.booleans()):
        layers.append(drawn_conv(draw, layers[-1].shape, rng))
    if draw(st.booleans()):
        layers.append(random_layer(rng, layers[-1].neurons, draw(st.integers(1, 4))))
    network = network_of(layers, shape, timesteps=draw(st.integers(1, 4)))
    spikes = rng.random((network.timesteps, 2, network.inputs)) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    return network, spikes


def agree(network, spikes):
    trace = golden.run(network, spikes)
    for b in range(spikes.shape[1]):
        trains, _ = scalar.run(network, spikes[:, b].tolist())
        assert [train[:, b].tolist() for train in trace.spikes] == trains


@settings(max_examples=120, deadline=None)
@given(networks())
def test_golden_and_scalar_agree_on_maps(drawn):
    agree(*drawn)


def test_neurons_of_a_channel_share_its_bias_and_threshold():
    rng = np.random.default_rng(0)
    layer = random_conv(rng, (1, 3, 1), 2, (1, 1), spec=NeuronSpec(leak_shift=0))
    network = network_of([layer], (1, 3), timesteps=1)
    v = golden.run(network, np.zeros((1, 1, 3), bool), membranes=True).membranes[0][0, 0]
    u = np.where(layer.bias >= layer.threshold, layer.bias - layer.threshold, layer.bias)
    assert v.reshape(3, 2).tolist() == [u.tolist()] * 3
