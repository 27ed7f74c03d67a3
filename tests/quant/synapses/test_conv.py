import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.maps import network_of, random_conv

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import parse_network
from twinspike.quant.spec import NeuronSpec
from twinspike.quant.synapses.conv import Conv

pairs = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))  # noqa: E731


@st.composite
def convolutions(draw):
    """Stride beyond the kernel, kernel beyond the map, padding beyond the kernel, rows, groups, dilation."""
    groups = draw(st.integers(1, 3))
    map = (draw(st.integers(1, 6)), draw(st.integers(1, 6)), groups * draw(st.integers(1, 2)))
    made = Conv.over(
        map,
        groups * draw(st.integers(1, 3)),
        draw(pairs(1, 4)),
        draw(pairs(1, 5)),
        draw(pairs(0, 5)),
        draw(pairs(1, 3)),
        groups,
    )
    return (
        made if min(made.places) >= 1 else dataclasses.replace(Conv.over(map, groups, (1, 1), groups=groups))
    )


def weight_of(conv, rng, limit=127):
    shape = (conv.filters, conv.map[2] // conv.groups, *conv.kernel)
    return rng.integers(-limit, limit + 1, shape).astype(np.int8)


def torch_currents(conv, weight, spikes):
    """torch's own Conv2d, channel-first and in doubles."""
    images = torch.from_numpy(spikes.reshape(-1, *conv.map).transpose(0, 3, 1, 2).astype(np.float64))
    out = torch.nn.functional.conv2d(
        images,
        torch.from_numpy(weight.astype(np.float64)),
        stride=conv.stride,
        padding=conv.padding,
        dilation=conv.dilation,
        groups=conv.groups,
    )
    return out.numpy().transpose(0, 2, 3, 1).reshape(len(spikes), -1).astype(np.int64)


@settings(max_examples=200, deadline=None)
@given(convolutions(), st.integers(0, 2**32))
def test_currents_are_those_of_torch(conv, seed):
    rng = np.random.default_rng(seed)
    weight, spikes = weight_of(conv, rng), rng.integers(0, 16, (3, conv.inputs))
    conv.check(weight, conv.inputs, "layers.0")
    assert conv.shape == (*conv.places, conv.filters)
    assert np.array_equal(conv.currents(weight, spikes), torch_currents(conv, weight, spikes))


@settings(max_examples=100, deadline=None)
@given(convolutions(), st.integers(0, 2**32))
def test_pairs_are_the_way_from_an_input_to_its_neurons(conv, seed):
    weight = weight_of(conv, np.random.default_rng(seed))
    for address in range(conv.inputs):
        one = np.zeros((1, conv.inputs), dtype=bool)
        one[0, address] = True
        found = np.zeros(conv.neurons, dtype=np.int64)
        local = address % conv.map[2] % (conv.map[2] // conv.groups)
        for place, tap in conv.pairs(address):
            for out in conv.group_filters(address):
                found[place * conv.filters + out] += weight[
                    out, local, tap // conv.kernel[1], tap % conv.kernel[1]
                ]
        assert np.array_equal(found, torch_currents(conv, weight, one)[0])
        assert conv.fan_out(address) == len(conv.pairs(address)) * len(conv.group_filters(address))


@settings(max_examples=50, deadline=None)
@given(convolutions(), st.integers(0, 2**32))
def test_reach_is_the_worst_case_of_each_neuron(conv, seed):
    weight = weight_of(conv, np.random.default_rng(seed))
    least, most = conv.reach(weight)
    alone = torch_currents(conv, weight, np.eye(conv.inputs, dtype=np.int64))
    assert np.array_equal(least, np.minimum(alone, 0).sum(axis=0))
    assert np.array_equal(most, np.maximum(alone, 0).sum(axis=0))


def test_borders_reach_less():
    conv = Conv.over((3, 3, 1), 1, (3, 3), padding=(1, 1))
    _, most = conv.reach(np.ones((1, 1, 3, 3), np.int8))
    assert most.reshape(3, 3).tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


def test_many_spikes_of_an_input_add_up_exactly():
    conv = Conv.over((1, 1, 4096), 1, (1, 1))
    weight, spikes = np.full((1, 4096, 1, 1), 127, np.int8), np.full((1, 4096), 33)
    spikes[0, 0] = 34
    assert conv.currents(weight, spikes).tolist() == [[127 * (4096 * 33 + 1)]]


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_a_file_holds_it(bits):
    rng = np.random.default_rng(0)
    spec = NeuronSpec(weight_bits=bits)
    first = random_conv(rng, (6, 5, 1), 4, (3, 2), spec=spec, stride=(2, 1), padding=(1, 0), dilation=(1, 2))
    second = random_conv(rng, first.shape, 6, (2, 2), spec=spec, groups=2)
    network = network_of([first, second], (6, 5))
    data = network.to_bytes()
    read = parse_network(data, "file")
    assert read.to_bytes() == data
    assert [layer.synapses for layer in read.layers] == [first.synapses, second.synapses]
    table = first.table()
    assert table["kind"] == "conv" and table["stride"] == [2, 1] and table["groups"] == 1
    assert not table.keys() & {"map", "filters", "kernel", "inputs"}


def layer(**changes):
    made = random_conv(np.random.default_rng(0), (6, 5, 2), 4, (3, 3))
    geometry = {k: changes.pop(k) for k in list(changes) if hasattr(made.synapses, k)}
    return dataclasses.replace(made, synapses=dataclasses.replace(made.synapses, **geometry), **changes)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (
            {"groups": 3},
            "layers.0.groups = 3 is not allowed: expected a divisor of 2 input and 4 output channels",
        ),
        (
            {"kernel": (7, 3)},
            "layers.0: its kernel does not fit the map [6, 5, 2]: use a smaller kernel or "
            "dilation, or more padding",
        ),
        (
            {"weight": np.ones((4, 1, 3, 3), np.int8)},
            "layers.0.weight shape = (4, 1, 3, 3) is not allowed: expected [4, 2, 3, 3]",
        ),
        (
            {"map": (5, 6, 2)},
            "layers.0 input map = [5, 6, 2] is not allowed: expected that of its source, [6, 5, 2]",
        ),
        ({"map": (5, 5, 2)}, "layers.0 input map = [5, 5, 2] is not allowed: expected a map of 60 addresses"),
        ({"bias": np.zeros(48, np.int32)}, "layers.0.bias shape = (48,) is not allowed: expected [4]"),
        ({"neurons": 47}, "layers.0 output map = [4, 3, 4] is not allowed: expected 47 neurons"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(TwinspikeError) as caught:
        network_of([layer(**wrong)], (6, 5, 2))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"stride": [1]}, "layers.0.stride = [1] is not allowed: expected two integers [y, x] in 1..32767"),
        (
            {"padding": [0, -1]},
            "layers.0.padding = [0, -1] is not allowed: expected two integers [y, x] in 0..32767",
        ),
        (
            {"dilation": [True, 1]},
            "layers.0.dilation = [True, 1] is not allowed: expected two integers [y, x] in 1..32767",
        ),
        ({"groups": 0}, "layers.0.groups = 0 is not allowed: expected an integer >= 1"),
        ({"groups": None}, "layers.0.groups is missing"),
    ],
)
def test_keys_of_a_file_are_checked(keys, message):
    sound = {"stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1} | keys
    sound = {key: value for key, value in sound.items() if value is not None}
    with pytest.raises(TwinspikeError) as caught:
        Conv.of((6, 5, 2), sound, np.ones((4, 2, 3, 3), np.int8), "layers.0")
    assert str(caught.value) == message


def test_four_axes_are_no_map():
    sound = {"stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1}
    with pytest.raises(TwinspikeError, match=r"sees a map of shape \[2, 2, 2, 2\]: expected \[H, W, C"):
        Conv.of((2, 2, 2, 2), sound, np.ones((4, 2, 1, 1), np.int8), "layers.0")
