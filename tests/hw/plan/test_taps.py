"""The plan of free taps: its walk and its weights are the definition's matrix."""

import numpy as np
import pytest
from support.maps import random_taps
from support.weights import unpack

from twinspike.hw.plan.taps import TapsPlan
from twinspike.quant.spec import NeuronSpec

GEOMETRIES = [
    ((5, 6, 1), 6, 5, {"stride": (2, 2)}),
    ((8, 4, 4), 6, 3, {"groups": 2, "stride": (3, 1)}),
    ((4, 7, 6), 6, 4, {"groups": 6, "stride": (1, 5)}),
    ((3, 3, 2), 4, 5, {"stride": (40, 300), "span": 60}),
    ((2, 3, 2), 4, 2, {"span": 100}),
]


@pytest.mark.parametrize("bits", [1, 4])
@pytest.mark.parametrize(("shape", "filters", "taps", "keys"), GEOMETRIES)
def test_visits_and_image_are_the_matrix_of_the_synapses(shape, filters, taps, keys, bits):
    layer = random_taps(np.random.default_rng(1), shape, filters, taps, spec=NeuronSpec(bits), **keys)
    each = filters // keys.get("groups", 1)
    for lanes in (1, 2, 4, 8):
        if lanes > 1 << (filters - 1).bit_length() or (bits == 1 and each % lanes):
            continue
        plan = TapsPlan(layer, lanes, "block")
        image = plan.weight_image()
        assert len(image) == plan.weight_words
        expected = layer.synapses.currents(layer.weight, np.eye(layer.inputs, dtype=bool))
        for address, number in enumerate(plan.arriving.sent.tolist()):
            visits = plan.visits(address)
            if number < 0:
                continue
            got = np.zeros((plan.words, lanes), np.int64)
            for word, weight_word in visits:
                got[word] += unpack(image[weight_word], lanes, bits)
            assert got.reshape(-1)[plan.positions].tolist() == expected[number].tolist()
            assert {visit.state_word for visit in visits} <= set(plan.sweep)


def test_taps_that_see_nothing_take_no_memory_and_no_clocks():
    layer = random_taps(np.random.default_rng(1), (4, 4, 1), 2, 5, span=1)
    layer.synapses.offset[0, :3] = [[9, 0], [0, -9], [4, 0]]
    plan = TapsPlan(layer, 2, "block")
    assert (len(plan.listed_taps), plan.weight_words) == (2, 2)
    assert max(plan.event_clocks(address) for address in range(plan.inputs)) == 2
    layer.synapses.offset[0] = 9
    nothing = TapsPlan(layer, 2, "block")
    assert nothing.weight_words == len(nothing.weight_image()) == 1
    assert not any(nothing.visits(address) for address in range(nothing.inputs))
