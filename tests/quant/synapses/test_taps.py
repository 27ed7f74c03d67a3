import dataclasses

import numpy as np
import pytest
from support.maps import network_of, random_taps

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import parse_network
from twinspike.quant.synapses.conv import Conv
from twinspike.quant.synapses.taps import Taps

RNG = np.random.default_rng(0)


def test_taps_on_a_grid_are_a_convolution():
    map, kernel, groups = (5, 7, 4), (3, 2), 2
    grid = [(ky - 1, kx) for ky in range(kernel[0]) for kx in range(kernel[1])]
    offset = np.broadcast_to(np.array(grid, np.int8), (map[2], len(grid), 2)).copy()
    taps = Taps.over(map, 6, offset, (2, 3), groups)
    conv = Conv.over((5, 7, 4), 6, kernel, (2, 3), (1, 0), (1, 1), groups)
    weight, spikes = RNG.integers(-7, 8, (6, 2, 6)).astype(np.int8), RNG.integers(0, 4, (3, taps.inputs))
    as_conv = weight.reshape(6, 2, *kernel)
    # ceil(7 / 3) = 3 columns where the convolution, without padding at the right, has 2
    assert taps.shape == (3, 3, 6) and conv.shape == (3, 2, 6)
    ours = taps.currents(weight, spikes).reshape(3, *taps.shape)[:, :, :2]
    assert np.array_equal(ours.reshape(3, -1), conv.currents(as_conv, spikes))


def test_reach_covers_all_inputs():
    layer = random_taps(RNG, (4, 4, 2), 2, 5)
    least, most = layer.synapses.reach(layer.weight)
    alone = layer.synapses.currents(layer.weight, np.eye(32, dtype=np.int64))
    assert (least <= np.minimum(alone, 0).sum(axis=0)).all()
    assert (most >= np.maximum(alone, 0).sum(axis=0)).all()


def test_a_file_holds_the_offsets():
    network = network_of([random_taps(RNG, (4, 5, 2), 4, 3, stride=(1, 2), groups=2)], (4, 5, 2))
    read = parse_network(network.to_bytes(), "file")
    assert read.to_bytes() == network.to_bytes()
    assert np.array_equal(read.tensors()["layers.0.offset"], network.layers[0].synapses.offset)
    assert (
        network.layers[0].table().keys() >= {"stride", "groups"} and "offset" not in network.layers[0].table()
    )


@pytest.mark.parametrize(
    "offset, message",
    [
        (np.zeros((2, 3, 2), np.int16), "layers.0.offset dtype = 'int16' is not allowed: expected int8"),
        (
            np.zeros((2, 2, 2), np.int8),
            "layers.0.offset shape = (2, 2, 2) is not allowed: expected [2, 3, 2]",
        ),
        (np.zeros(2, np.int8), "layers.0.offset shape = (2,) is not allowed: expected [2, 3, 2]"),
    ],
)
def test_what_does_not_fit_is_refused(offset, message):
    layer = random_taps(RNG, (4, 5, 2), 4, 3)
    synapses = dataclasses.replace(layer.synapses, offset=offset)
    with pytest.raises(TwinspikeError) as caught:
        network_of([dataclasses.replace(layer, synapses=synapses)], (4, 5, 2))
    assert str(caught.value) == message
