"""Where states lie that cost an iCE40's synthesis as much in flip-flops as in blocks of RAM."""

import pytest
from support.networks import random_network

from twinspike.hw.plan import make_plan
from twinspike.hw.predict.placement import place, stored


def styles(target: str, widths: tuple[int, ...], lanes: tuple[int, ...]) -> list[str]:
    plan = make_plan(random_network(1, shape=(16,), widths=widths), lanes, target)
    return [layer.state_style for layer in plan.layers]


@pytest.mark.parametrize(("lanes", "style"), [(16, "block"), (8, ""), (32, "")])
def test_states_of_four_words_lie_in_blocks(lanes, style):
    assert styles("up5k", (64,), (lanes,)) == [style]
    assert styles("ecp5-25k", (64,), (lanes,)) == styles("generic", (64,), (lanes,)) == [""]


def test_they_do_while_all_states_take_two_thirds_of_the_blocks():
    assert styles("up5k", (64, 32), (16, 8)) == ["block", "block"]
    assert styles("up5k", (64, 64), (16, 16)) == ["", ""]


def test_a_memory_that_is_asked_into_blocks_is_predicted_there():
    plan = make_plan(random_network(1, shape=(16,), widths=(64,)), (16,), "up5k")
    state = next(memory for memory in stored(plan) if memory.name == "layer0.neurons.state")
    assert place(state, "ice40") == ("block", -(-state.width // 16))
