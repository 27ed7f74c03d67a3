"""The plan of a convolution: its walk and its weights are the definition's matrix."""

import numpy as np
import pytest
from support.conv_cores import conv_layer, conv_network
from support.weights import unpack

from twinspike.hw.plan import make_plan
from twinspike.hw.plan.conv import ConvPlan
from twinspike.numerics.errors import TwinspikeError

GEOMETRIES = [
    ((5, 6, 1), 6, (3, 3), {"stride": (2, 2), "padding": (1, 1)}),
    ((8, 4, 4), 6, (3, 1), {"groups": 2, "stride": (3, 1), "padding": (2, 0), "dilation": (2, 1)}),
    ((4, 7, 6), 6, (2, 2), {"groups": 6, "dilation": (1, 3)}),
    ((4, 4, 3), 5, (1, 1), {"stride": (2, 2)}),
    ((3, 5, 2), 3, (3, 5), {}),
]


@pytest.mark.parametrize("bits", [1, 4])
@pytest.mark.parametrize(("shape", "channels", "kernel", "keys"), GEOMETRIES)
def test_visits_and_image_are_the_matrix_of_the_synapses(shape, channels, kernel, keys, bits):
    layer = conv_layer(np.random.default_rng(1), shape, channels, kernel, keys=keys, weight_bits=bits)
    each = channels // keys.get("groups", 1)
    for lanes in (1, 2, 4, 8):
        if lanes > 1 << (channels - 1).bit_length():
            continue
        if bits == 1 and keys.get("groups", 1) > 1 and each % lanes:
            continue
        plan = ConvPlan(layer, lanes, "block")
        image = plan.weight_image()
        assert len(image) == plan.weight_words
        one = np.eye(layer.inputs, dtype=bool)
        expected = layer.synapses.currents(layer.weight, one)
        sent = plan.arriving.sent
        assert sorted(sent[sent >= 0].tolist()) == list(range(layer.inputs))
        for address, number in enumerate(sent.tolist()):
            visits = plan.visits(address)
            if number < 0:
                continue
            got = np.zeros((plan.words, lanes), np.int64)
            for word, weight_word in visits:
                got[word] += unpack(image[weight_word], lanes, bits)
            assert got.reshape(-1)[plan.positions].tolist() == expected[number].tolist()
            words = [visit.state_word for visit in visits]
            assert len(set(words)) == len(words) and set(words) <= set(plan.sweep)
            assert plan.event_clocks(address) == max(2, len(visits))


def test_a_sweep_visits_the_words_that_hold_neurons_in_ascending_order():
    layer = conv_layer(np.random.default_rng(1), (5, 6, 1), 6, (1, 1))
    plan = ConvPlan(layer, 2, "block")
    assert (plan.word_bits, plan.words, plan.channel_words) == (2, 5 * 8 * 4, 3)
    assert plan.sweep == sorted({int(p) // 2 for p in plan.positions})
    assert plan.sweep == np.flatnonzero((plan.places >= 0).any(axis=1)).tolist()
    assert plan.tick_clocks == len(plan.sweep) == 5 * 6 * 3
    # Thresholds and biases have a row for each channel word alone; padding channels stay silent.
    assert plan.thresholds.shape == plan.biases.shape == (4, 2)
    assert plan.thresholds[3].tolist() == [1 << (layer.spec.state_bits - 1)] * 2
    assert plan.biases.reshape(-1).tolist() == [*layer.bias.tolist(), 0, 0]


@pytest.mark.parametrize(
    ("lanes", "bits", "message"),
    [
        (
            (3, 1),
            4,
            "hardware.lanes[0] = 3: allowed for layers.0, a convolution of 6 channels, is a power of two in "
            "1..8",
        ),
        (
            (16, 1),
            4,
            "hardware.lanes[0] = 16: allowed for layers.0, a convolution of 6 channels, is a power of two in "
            "1..8",
        ),
        (
            (2, 1),
            1,
            "hardware.lanes[0] = 2: with binary weights layers.0 needs lanes that divide the 3 channels of "
            "each of its 2 groups, a power of two in 1..1",
        ),
    ],
)
def test_lanes_that_a_convolution_cannot_have_are_refused(lanes, bits, message):
    network = conv_network(0, (4, 4, 2), 3, [(6, (2, 2), {"groups": 2}, {"weight_bits": bits})], 4)
    with pytest.raises(TwinspikeError) as error:
        make_plan(network, lanes)
    assert str(error.value) == message


def test_lanes_are_chosen_where_nobody_chose_them():
    for bits, groups, expected in ((4, 1, 8), (8, 2, 8), (1, 1, 8), (1, 2, 1)):
        convs = [(6, (2, 2), {"groups": groups}, {"weight_bits": bits})]
        plan = make_plan(conv_network(0, (4, 4, 2), 3, convs, 4))
        assert plan.layers[0].lanes == expected


def test_a_map_that_leaves_the_core_must_be_flat():
    import dataclasses

    from support.networks import random_references

    network = conv_network(0, (4, 4, 2), 3, [(4, (1, 1), {}, {}), (3, (2, 2), {}, {})], 4)
    last = network.layers[1]
    rng = np.random.default_rng(0)
    ends = dataclasses.replace(
        network, layers=network.layers[:2], references=random_references(rng, 2, 3, last.neurons)
    )
    with pytest.raises(TwinspikeError, match=r"layers\.1\.shape = \[3, 3, 3\]: the last layer's addresses"):
        make_plan(ends)
    fits = dataclasses.replace(
        network, layers=network.layers[:1], references=random_references(rng, 2, 3, 64)
    )
    assert make_plan(fits).layers[0].addresses == 64
