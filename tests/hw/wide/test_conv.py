"""Wide cores of convolutions in simulation: every spike of every layer, and every frame's clocks."""

import numpy as np
import pytest
from support.conv_cores import conv_network
from support.simulation import assert_equal_and_on_time, input_spikes

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.sim.bench.runner import simulate

WIDE = {"weight_bits": 4, "state_bits": 9}
FORGET = {**WIDE, "leak_shift": 0, "forget": True}
CASES = {
    "stride, padding, dilation": (
        (7, 9, 1),
        [
            (6, (3, 3), {"stride": (2, 2), "padding": (1, 1)}, WIDE),
            (5, (2, 3), {"dilation": (1, 2)}, {"weight_bits": 3, "state_bits": 8, "leak_shift": 2}),
        ],
    ),
    "groups, single spikes": (
        (8, 4, 2),
        [
            (
                6,
                (3, 1),
                {"groups": 2, "stride": (3, 1), "padding": (2, 0), "dilation": (2, 1)},
                {**WIDE, "single_spike": True},
            ),
            (6, (1, 2), {"groups": 3}, {"weight_bits": 2, "state_bits": 6, "leak_shift": 1}),
        ],
    ),
    "channels of the image, zero reset": (
        (5, 5, 3),
        [(9, (3, 3), {"padding": (1, 0), "stride": (1, 3)}, {**WIDE, "reset": "zero"})],
    ),
    "binary, a single row": (
        (1, 11, 3),
        [(4, (1, 4), {"stride": (1, 2)}, {"weight_bits": 1, "state_bits": 7}), (1, (1, 2), {}, WIDE)],
    ),
    "membranes that forget": (
        (6, 8, 2),
        [(6, (2, 2), {}, FORGET), (4, (3, 2), {}, {**FORGET, "single_spike": True})],
    ),
    "one place": ((6, 6, 1), [(3, (6, 6), {}, WIDE)]),
    # More rows than the queue holds, and a stride and a dilation with a common factor.
    "more rows than the queue": (
        (11, 12, 1),
        [(3, (2, 3), {"stride": (1, 2), "dilation": (3, 2), "padding": (2, 2)}, WIDE), (4, (1, 1), {}, WIDE)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_spikes_and_clocks_are_those_of_the_network(name, tmp_path):
    shape, convs = CASES[name]
    network = conv_network(1, shape, 5, convs, 5)
    plan = make_plan(network, events_per_clock=(1,) * len(network.layers))
    emit(plan, tmp_path / "rtl")
    spikes = input_spikes(3, 5, 8, network.inputs)
    result = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim")
    assert_equal_and_on_time(result)
    hidden = sum(layer.neurons for layer in plan.layers)
    assert result["runs"][0]["spikes_compared"] >= hidden * 5 * np.prod(spikes.shape[1:2])
