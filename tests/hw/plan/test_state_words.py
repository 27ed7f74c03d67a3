"""What a state word holds of each neuron: no more than its numerics need."""

import dataclasses

import pytest
from support.conv_cores import conv_network

from twinspike.hw.plan import make_plan
from twinspike.hw.predict.placement import stored
from twinspike.numerics.encodings import Graded

SPEC = {"weight_bits": 4, "state_bits": 7, "single_spike": True}


def network(channels=4, hold=True, encoder=None, shape=(5, 5, 1), **spec):
    made = conv_network(1, shape, 4, [(channels, (3, 3), {}, SPEC | spec)], 5)
    first = dataclasses.replace(made.layers[0], hold=hold)
    return dataclasses.replace(made, encoder=encoder or made.encoder, layers=(first, *made.layers[1:]))


def first(made, lanes=4, target="generic"):
    return make_plan(made, (lanes, 1), target).layers[0]


def test_a_held_input_leaves_the_membrane_no_wider_than_the_state():
    held, summed = (first(network(hold=hold, biases="none")) for hold in (True, False))
    assert held.membrane_bits == 7 < summed.membrane_bits == summed.accumulator_bits
    assert held.lane_bits == 7 + held.held_bits
    assert summed.lane_bits == summed.accumulator_bits + 1  # whether it has fired


@pytest.mark.parametrize(("biases", "marks"), [("none", False), ("low", False), ("any", True)])
def test_a_bias_above_0_needs_a_bit_that_says_whether_a_neuron_has_fired(biases, marks):
    made = network(biases=biases)
    assert (made.layers[0].bias.max() > 0) == marks
    assert first(made).marks_fired == marks
    assert first(network(biases=biases, single_spike=False)).marks_fired is False


def test_what_is_held_is_as_wide_as_the_encoder_s_multiplicities_need():
    narrow, wide = (first(network(encoder=Graded(bits))) for bits in (2, 4))
    assert (narrow.most, wide.most) == (3, 15)
    least, most = narrow.layer.synapses.reach(narrow.layer.weight)
    for plan in (narrow, wide):
        limit = 1 << plan.held_bits - 1
        assert -limit <= plan.most * least.min() and plan.most * most.max() < limit
    assert narrow.held_bits < wide.held_bits


def test_lanes_of_padding_have_no_state():
    plan = first(network(channels=3))
    assert (plan.lanes, plan.used_lanes) == (4, 3)
    assert plan.state_word_bits == 3 * plan.lane_bits + plan.sweeps_reached


def test_small_memories_leave_the_blocks_to_the_states_of_maps():
    keys = [(16, (3, 3), {}, SPEC | {"biases": "none"}), (16, (3, 3), {"stride": (2, 2)}, SPEC)]
    made = conv_network(1, (18, 18, 1), 4, keys, 5)
    held = dataclasses.replace(made.layers[0], hold=True)
    made = dataclasses.replace(made, encoder=Graded(4), layers=(held, *made.layers[1:]))
    kinds = {}
    for target in ("up5k", "ecp5-25k"):
        plan = make_plan(made, (16, 8, 1), target)
        found = {memory.name: memory for memory in stored(plan)}
        kinds[target] = plan.short_of_blocks, found["readout.cumulative"].asked
    assert kinds == {"up5k": (True, "registers"), "ecp5-25k": (False, "")}
    small = make_plan(network(), (4, 1), "up5k")
    assert not small.short_of_blocks
    asked = {memory.name: memory.asked for memory in stored(small)}
    assert asked["readout.cumulative"] == "registers"  # 15 bits, tiny in any core
    assert asked["queue0.memory"] == ""
