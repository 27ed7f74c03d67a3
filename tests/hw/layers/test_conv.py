"""The walker of a convolution: the visits of its plan, in the clocks of hw/predict/conv_cycles.py."""

import dataclasses

import numpy as np
import pytest
from support.conv_cores import conv_layer
from support.walks import assert_apart, events_for, walk

from twinspike.hw.layers.conv import ConvWalker
from twinspike.hw.plan.conv import ConvPlan
from twinspike.hw.predict.conv_cycles import ConvLayer
from twinspike.hw.predict.stations import Sink

GEOMETRIES = [
    ((5, 6, 1), 6, (3, 3), {"stride": (2, 2), "padding": (1, 1)}),
    ((8, 4, 4), 6, (3, 1), {"groups": 2, "stride": (3, 1), "padding": (2, 0), "dilation": (2, 1)}),
    ((4, 7, 6), 6, (2, 2), {"groups": 6, "dilation": (1, 3)}),
    ((4, 4, 3), 5, (1, 1), {"stride": (2, 2)}),
    ((1, 3, 2), 3, (1, 3), {}),
]


@pytest.mark.parametrize("timesteps", [0, 4])
@pytest.mark.parametrize("read_ahead", [False, True])
@pytest.mark.parametrize(("shape", "channels", "kernel", "keys"), GEOMETRIES)
def test_each_event_makes_the_visits_of_its_plan_in_the_clocks_of_the_model(
    shape, channels, kernel, keys, read_ahead, timesteps
):
    layer = conv_layer(np.random.default_rng(1), shape, channels, kernel, keys=keys, weight_bits=3)
    layer = dataclasses.replace(layer, bias=np.minimum(layer.bias, 0))
    waits = 0
    for lanes in (1, 2, 4):
        rng = np.random.default_rng(lanes)
        plan = ConvPlan(layer, lanes, "block", read_ahead=read_ahead, timesteps=timesteps)
        assert plan.sweeps_reached == (timesteps > 0)
        events, image = events_for(plan, rng, 40), plan.weight_image()
        pairs, taken = walk(ConvWalker(plan), plan, events)

        model = ConvLayer(plan, 0)
        every = range(plan.words)
        expected = [(word, 1, 1, 1, word == every[-1], 0, None) for word in every]
        clocks, reached = list(model.out), {}
        for clock, (address, last) in zip(taken, events, strict=True):
            due = model.clear.copy()
            model.accept(clock - 1, address)
            assert model.taken == clock
            if address is None:
                model.emit(np.zeros(plan.neurons, bool), Sink())
                swept = list(reached if timesteps else plan.sweep)
                expected += [(w, 1, int(last), 0, w == swept[-1], 0, None) for w in swept]
                expected += [] if swept else [(None, 1, int(last), 0, 1, 1, None)]
                reached = {} if last else reached
            else:
                visits = plan.visits(address)
                reached |= {visit.state_word: None for visit in visits}
                expected += [(v.state_word, 0, 0, 0, 0, 0, image[v.weight_word]) for v in visits]
                waits += sum(o == due.get(v.state_word) for o, v in zip(model.out, visits, strict=True))
            clocks += model.out
        got = [
            (None if v else w, t, n, q, e, v, None if t else weights)
            for _, w, t, n, q, e, v, weights in pairs
        ]
        assert got == expected
        assert [pair[0] for pair in pairs] == clocks
        assert_apart(pairs)
    assert waits > (10 if kernel != (1, 1) else 0)


def test_a_sweep_goes_on_while_there_is_room_and_events_do_not_wait():
    layer = conv_layer(np.random.default_rng(1), (4, 4, 1), 4, (2, 2))
    plan = ConvPlan(dataclasses.replace(layer, bias=0 * layer.bias), 4, "block", timesteps=3)
    events = [(5, False), (6, False), (None, False), (7, False)]
    open_clocks = (61, 62, 70, 80, 90, 95)
    pairs, _ = walk(ConvWalker(plan), plan, events, room=lambda clock: clock < 18 or clock in open_clocks)
    assert [tick for clock, _, tick, _, quiet, *_ in pairs if clock < 60 and not quiet] == [0] * 8
    # A word's pair goes out two clocks after it was asked for.
    swept = [clock for clock, _, tick, _, quiet, *_ in pairs if tick and not quiet]
    assert swept == [clock + 2 for clock in open_clocks]
    assert len({word for _, word, tick, _, quiet, *_ in pairs if tick and not quiet}) == 6
