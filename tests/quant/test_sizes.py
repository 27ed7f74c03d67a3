"""What documents and headers call a network's sizes."""

from support.conv_cores import conv_network
from support.networks import random_network

from twinspike.quant.sizes import sizes

SPEC = {"weight_bits": 4, "state_bits": 8}


def test_plain_networks_have_numbers_and_maps_their_shape():
    assert sizes(random_network(shape=(2, 3), widths=(4, 3))) == [6, 4, 3]
    network = conv_network(1, (5, 6, 2), 4, [(4, (2, 3), {"stride": (2, 1)}, SPEC)], 3)
    assert sizes(network) == ["5x6x2", "2x4x4", 3]
