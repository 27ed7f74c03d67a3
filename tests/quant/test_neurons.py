"""The loop over a frame's steps computes the same in narrow integers, and in wide ones where it must."""

import dataclasses

import numpy as np
import pytest
from support.networks import random_network

from twinspike.numerics.encodings import Latency
from twinspike.quant.neurons import currents, moments

LAYER = random_network(2, shape=(4, 4), widths=(9,), encoder=Latency(0), state_bits=12, leak_shift=2).layers[
    0
]
SPIKES = np.random.default_rng(0).random((5, 30, 16)) < 0.4


def test_narrow_and_wide_integers_agree():
    sums = list(currents(LAYER, SPIKES))
    assert all(step.dtype == np.int32 for step in sums)
    narrow = list(moments(LAYER, sums))
    wide = list(moments(LAYER, [step.astype(np.int64) for step in sums]))
    assert narrow[0].v.dtype == np.int32 and wide[0].v.dtype == np.int64
    for one, other in zip(narrow, wide, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("change", ["state", "bias", "threshold"])
def test_values_near_the_end_of_32_bits_are_stepped_in_64(change):
    layer = LAYER
    if change == "state":
        layer = dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, state_bits=32))
    else:
        layer = dataclasses.replace(layer, **{change: np.full_like(layer.bias, 2**31 - 1)})
    (first, *_) = moments(layer, currents(layer, SPIKES))
    assert first.total.dtype == np.int64
    bias = layer.synapses.spread(layer.bias.astype(np.int64))
    assert np.array_equal(first.total, next(iter(currents(layer, SPIKES))) + bias)
