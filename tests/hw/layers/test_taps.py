"""The walker of free taps: the visits of its plan, in the clocks of hw/predict/taps_cycles.py."""

import dataclasses

import numpy as np
import pytest
from support.maps import random_taps
from support.walks import assert_apart, events_for, walk

from twinspike.hw.layers.taps import TapsWalker
from twinspike.hw.plan.taps import TapsPlan
from twinspike.hw.predict.stations import Sink
from twinspike.hw.predict.taps_cycles import TapsLayer
from twinspike.quant.spec import NeuronSpec

GEOMETRIES = {
    "no stride": ((5, 6, 1), 6, 5, {}),
    "strides, groups": ((8, 7, 4), 6, 6, {"stride": (2, 3), "groups": 2}),
    "a group a channel": ((4, 7, 6), 6, 3, {"groups": 6, "stride": (1, 2)}),
    "a stride beyond the map": ((3, 3, 3), 5, 4, {"stride": (4, 7)}),
    "one row": ((1, 9, 2), 3, 4, {"stride": (1, 3)}),
    "far away": ((3, 4, 1), 2, 5, {"span": 9}),
}


def taps_layer(geometry, bits=3, seed=1):
    shape, filters, taps, keys = GEOMETRIES[geometry]
    layer = random_taps(np.random.default_rng(seed), shape, filters, taps, spec=NeuronSpec(bits), **keys)
    return dataclasses.replace(layer, bias=np.minimum(layer.bias, 0))


@pytest.mark.parametrize("timesteps", [0, 4])
@pytest.mark.parametrize("read_ahead", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_each_event_makes_the_visits_of_its_plan_in_the_clocks_of_the_model(geometry, read_ahead, timesteps):
    layer = taps_layer(geometry)
    for lanes in (1, 2):
        plan = TapsPlan(layer, lanes, "block", read_ahead=read_ahead, timesteps=timesteps)
        assert plan.sweeps_reached == (timesteps > 0)
        events = events_for(plan, np.random.default_rng(lanes), 40)
        image = plan.weight_image()
        pairs, taken = walk(TapsWalker(plan), plan, events)

        model = TapsLayer(plan, 0)
        every = range(plan.words)
        expected = [(word, 1, 1, 1, word == every[-1], 0, None) for word in every]
        clocks, reached = list(model.out), {}
        for clock, (address, last) in zip(taken, events, strict=True):
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
            clocks += model.out
        got = [
            (None if v else w, t, n, q, e, v, None if t else weights)
            for _, w, t, n, q, e, v, weights in pairs
        ]
        assert got == expected
        assert [pair[0] for pair in pairs] == clocks
        assert_apart(pairs)


def test_an_event_takes_the_clocks_that_its_plan_says():
    """Where no pair waits for its state word: here what a word waits for is forgotten."""
    plan = TapsPlan(taps_layer("strides, groups"), 1, "block")
    for address in np.flatnonzero(plan.arriving.sent >= 0)[::7].tolist():
        model, begins = TapsLayer(plan, 0), []
        for _ in range(6):
            model.clear.clear()
            model.accept(0, address)
            begins.append(model.start)
        assert set(np.diff(begins[2:]).tolist()) == {plan.event_clocks(address)}
