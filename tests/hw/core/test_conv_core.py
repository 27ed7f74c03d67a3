"""Cores of convolutions in simulation: every spike of every layer, and every frame's clocks."""

import numpy as np
import pytest
from support.conv_cores import conv_network
from support.simulation import assert_equal_and_on_time, input_spikes

from twinspike.hw.emit.emit import emit
from twinspike.hw.layers.queue import WordQueue
from twinspike.hw.plan import make_plan
from twinspike.hw.predict.cycles import frame_times
from twinspike.hw.weights.image import weight_image
from twinspike.sim.bench.runner import simulate
from twinspike.sim.golden import run

WIDE = {"weight_bits": 4, "state_bits": 9}
FORGET = {**WIDE, "leak_shift": 0, "forget": True}
CASES = {
    "stride, padding, dilation": (
        (7, 9, 1),
        [
            (6, (3, 3), {"stride": (2, 2), "padding": (1, 1)}, WIDE),
            (5, (2, 3), {"dilation": (1, 2)}, {"weight_bits": 3, "state_bits": 8, "leak_shift": 2}),
        ],
        (4, 2, 2),
        "generic",
    ),
    "groups": (
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
        (4, 2, 1),
        "ecp5-25k",
    ),
    "channels of the image, zero reset, one word a place": (
        (5, 5, 3),
        [(8, (3, 3), {"padding": (1, 0), "stride": (1, 3)}, {**WIDE, "reset": "zero"})],
        (8, 1),
        "ecp5-25k",
    ),
    "binary, a single row": (
        (1, 11, 3),
        [(4, (1, 4), {"stride": (1, 2)}, {"weight_bits": 1, "state_bits": 7}), (1, (1, 2), {}, WIDE)],
        (1, 1, 3),
        "generic",
    ),
    "one place": ((6, 6, 1), [(3, (6, 6), {}, WIDE)], (4, 5), "generic"),
    "what was reached, no biases": (
        (7, 9, 1),
        [
            (6, (3, 3), {"stride": (2, 2), "padding": (1, 1)}, {**WIDE, "biases": "none"}),
            (5, (3, 3), {"padding": (2, 2)}, {**WIDE, "biases": "none", "single_spike": True}),
        ],
        (4, 2, 2),
        "generic",
    ),
    "what was reached, backgrounds": (
        (6, 8, 2),
        [
            (6, (2, 2), {}, {**WIDE, "biases": "low", "leak_shift": 3}),
            (
                4,
                (3, 2),
                {"groups": 2},
                {**WIDE, "biases": "steady", "leak_shift": 1, "reset": "zero", "single_spike": True},
            ),
            (3, (1, 1), {}, {"weight_bits": 8, "state_bits": 12, "biases": "low"}),
        ],
        (4, 1, 2, 3),
        "ecp5-25k",
    ),
    "membranes that forget": (
        (6, 8, 2),
        [(6, (2, 2), {}, {**FORGET, "biases": "low"}), (4, (3, 2), {}, {**FORGET, "single_spike": True})],
        (4, 2, 2),
        "generic",
    ),
    "pauses": (
        (13, 13, 1),
        [(4, (2, 2), {}, {"weight_bits": 2, "state_bits": 9, "biases": "none", "thresholds": 1})],
        (2, 1),
        "up5k",
    ),
}
REACHED = {
    "one place": [True, False],
    "what was reached, no biases": [True, True, False],
    "what was reached, backgrounds": [True, True, True, False],
    "membranes that forget": [True, False, False],
    "pauses": [True, False],
}


@pytest.mark.parametrize("name", CASES)
def test_spikes_and_clocks_are_those_of_the_network(name, tmp_path):
    shape, convs, lanes, target = CASES[name]
    network = conv_network(1, shape, 5, convs, 5)
    plan = make_plan(network, lanes, target)
    if name in REACHED:
        assert [layer.sweeps_reached for layer in plan.layers] == REACHED[name]
    emit(plan, tmp_path / "rtl")
    spikes = input_spikes(3, 5, 8, network.inputs)
    result = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim")
    assert_equal_and_on_time(result)
    hidden = sum(layer.neurons for layer in plan.layers)
    assert result["runs"][0]["spikes_compared"] >= hidden * 5 * np.prod(spikes.shape[1:2])


def test_a_sweep_that_pauses_is_foretold(monkeypatch):
    """The case "pauses" has sweeps that would be faster without: else it would show nothing."""
    shape, convs, lanes, target = CASES["pauses"]
    plan = make_plan(conv_network(1, shape, 5, convs, 5), lanes, target)
    spikes = input_spikes(3, 5, 8, plan.network.inputs)
    trains = run(plan.network, spikes).spikes
    _, finished = frame_times(plan, spikes, trains, isolate=False)
    monkeypatch.setattr(WordQueue, "limit", lambda words: 1 << 20)
    _, unhindered = frame_times(plan, spikes, trains, isolate=False)
    assert (unhindered < finished).any()


def test_weights_of_two_layers_lie_in_spram_and_come_in_one_image(tmp_path):
    convs = [
        (16, (3, 3), {"stride": (2, 2)}, {"weight_bits": 4, "state_bits": 8, "biases": "none"}),
        (32, (3, 3), {}, {"weight_bits": 4, "state_bits": 10, "biases": "none"}),
        (16, (3, 3), {}, {"weight_bits": 4, "state_bits": 10, "biases": "low"}),
    ]
    plan = make_plan(conv_network(1, (12, 12, 1), 4, convs, 4), (16, 8, 4, 2), "up5k")
    assert [layer.memory for layer in plan.layers] == ["block", "spram", "spram", "block"]
    assert [layer.spram_blocks for layer in plan.loaded] == [2, 1]
    assert plan.image_words == len(weight_image(plan))
    emit(plan, tmp_path / "rtl")
    result = simulate(plan, tmp_path / "rtl", input_spikes(3, 4, 5, plan.network.inputs), tmp_path / "sim")
    assert_equal_and_on_time(result)
