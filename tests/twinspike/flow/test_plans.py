"""Plans of a configuration's core on a board, for networks on maps too."""

import numpy as np
import pytest
from support.conv_cores import conv_network

from twinspike.config import load_config
from twinspike.flow.plans import board_plan
from twinspike.hw.board.boards import BOARDS


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_takes_a_convolution_though_its_own_lanes_are_for_dense_layers(name):
    # 2 channels: the lanes of a board's dense layers are too many for them.
    network = conv_network(1, (6, 6, 1), 3, [(2, (3, 3), {}, {"weight_bits": 4, "state_bits": 9})], 5)
    plan = board_plan(load_config("digits"), network, BOARDS[name])
    assert [layer.layer.kind for layer in plan.layers] == ["conv", "dense"]
    assert np.log2(plan.layers[0].lanes) % 1 == 0 and plan.slots >= 3
