"""Addresses as bit fields, and the outputs that an input of a convolution reaches."""

import itertools

import numpy as np
import pytest

from twinspike.hw.plan.maps import Axis, MapFields

SHAPES = [(3, 5, 1), (4, 4, 2), (2, 1, 3), (1, 6, 3), (5, 3, 6), (1, 1, 5), (7, 1, 1), (1, 5, 4)]


@pytest.mark.parametrize("shape", SHAPES)
def test_fields_number_the_map_in_its_flat_order(shape):
    fields = MapFields(*shape)
    height, width, channels = shape
    sent = fields.sent
    assert len(sent) == fields.addresses
    seen = []
    for y, x, c in itertools.product(range(height), range(width), range(channels)):
        address = fields.address(y, x, c)
        assert fields.split(address) == (y, x, c)
        assert sent[address] == (y * width + x) * channels + c
        seen.append(address)
    assert seen == sorted(set(seen)) == np.flatnonzero(sent >= 0).tolist()


@pytest.mark.parametrize("shape", SHAPES)
def test_without_divisions_a_flat_address_is_made_of_the_fields(shape):
    fields = MapFields(*shape)
    real = np.flatnonzero(fields.sent >= 0)
    same = bool((real == np.arange(len(real))).all())
    assert same == (fields.divisions == [])
    # Every quotient fits its digits.
    for field, divisor, digits in fields.divisions:
        most = {"y": shape[0], "x": shape[1]}[field] - 1
        assert most < 4**digits
        assert divisor == {"y": shape[1] * shape[2], "x": shape[2]}[field]


def test_taps_are_the_pairs_of_the_definition():
    rng = np.random.default_rng(0)
    empty = 0
    for _ in range(300):
        inputs, kernel, stride, padding, dilation = (
            int(rng.integers(*r)) for r in ((1, 12), (1, 6), (1, 5), (0, 4), (1, 4))
        )
        outputs = (inputs + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        if outputs < 1:
            continue
        axis = Axis(inputs, outputs, kernel, stride, padding, dilation)
        for place in range(inputs):
            expected = [
                (o, k)
                for o in range(outputs)
                for k in range(kernel)
                if o * stride - padding + k * dilation == place
            ]
            assert axis.pairs(place) == expected
            empty += not expected
    assert empty > 10
