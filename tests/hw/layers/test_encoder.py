import numpy as np
import pytest
from support.networks import random_network
from support.streams import event, pump

from twinspike.hw.layers.encoder import Encoder
from twinspike.hw.parts.events import event_layout
from twinspike.hw.plan import make_plan

SHAPES = [(1, 1), (5, 1), (5, 5), (7, 3), (16, 16), (33, 8)]


def encoder(neurons, lanes):
    plan = make_plan(random_network(widths=(neurons,)), (lanes,)).layers[0]
    return plan, Encoder(plan)


def words_of(trains, plan):
    """Spikes [steps, N] as the queue would hand them over; every third step ends the frame."""
    words = []
    for step, train in enumerate(trains):
        padded = np.pad(train, (0, plan.words * plan.lanes - plan.neurons)).reshape(plan.words, plan.lanes)
        for w, mask in enumerate(padded):
            end = w == plan.words - 1
            if mask.any() or end:
                bits = sum(1 << int(j) for j in np.flatnonzero(mask))
                words.append({"mask": bits, "word": w, "end": end, "last": step % 3 == 2})
    return words


def events_of(trains):
    events = []
    for step, train in enumerate(trains):
        events += [(int(a), False) for a in np.flatnonzero(train)] + [(None, step % 3 == 2)]
    return events


@pytest.mark.parametrize(("neurons", "lanes"), SHAPES)
@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_every_spike_once_in_order_and_a_tick_behind_each_step(neurons, lanes, stall):
    rng = np.random.default_rng(neurons)
    plan, dut = encoder(neurons, lanes)
    trains = rng.random((12, neurons)) < rng.choice([0.0, 0.3, 1.0], size=(12, 1))
    expected = events_of(trains)
    passed = pump(
        dut,
        words_of(trains, plan),
        expected=len(expected),
        rng=rng,
        stall_in=stall,
        stall_out=stall,
        meaning=event(event_layout(neurons)["address"].width),
    )
    assert passed.outputs == expected


@pytest.mark.parametrize(("neurons", "lanes"), SHAPES)
def test_latency_is_three_clocks_and_a_word_takes_a_clock_more_than_it_has_events(neurons, lanes):
    rng = np.random.default_rng(7)
    plan, dut = encoder(neurons, lanes)
    trains = rng.random((9, neurons)) < 0.5
    expected = events_of(trains)
    words = words_of(trains, plan)
    passed = pump(dut, words, expected=len(expected))
    clocks, at = [], passed.taken[0] + 3
    for word in words:
        events = word["mask"].bit_count() + word["end"]
        clocks += range(at, at + events)
        at += events + 1
    assert passed.clocks == clocks
