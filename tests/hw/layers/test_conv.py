"""The walker of a convolution: the visits of its plan, in the clocks of hw/predict/conv_cycles.py."""

import numpy as np
import pytest
from support.conv_cores import conv_layer
from support.streams import bench

from twinspike.hw.layers.conv import ConvWalker
from twinspike.hw.plan.conv import ConvPlan
from twinspike.hw.predict.conv_cycles import ConvLayer

GEOMETRIES = [
    ((5, 6, 1), 6, (3, 3), {"stride": (2, 2), "padding": (1, 1)}),
    ((8, 4, 4), 6, (3, 1), {"groups": 2, "stride": (3, 1), "padding": (2, 0), "dilation": (2, 1)}),
    ((4, 7, 6), 6, (2, 2), {"groups": 6, "dilation": (1, 3)}),
    ((4, 4, 3), 5, (1, 1), {"stride": (2, 2)}),
    ((1, 3, 2), 3, (1, 3), {}),
]


def walk(plan, events, room=lambda clock: True):
    """Feed events (address, or None for a TICK; last); returns the pairs and the clocks of events taken.

    A pair is (clock, word, tick, last, quiet, weights).
    """
    dut, pairs, taken = ConvWalker(plan), [], []

    async def testbench(ctx):
        queue, idle, clock, before = list(events), 0, 0, None
        while idle < 40:
            if queue:
                address, last = queue[0]
                ctx.set(dut.i.payload, {"address": address or 0, "tick": address is None, "last": last})
            ctx.set(dut.i.valid, bool(queue))
            ctx.set(dut.room, room(clock))
            if queue and ctx.get(dut.i.ready):
                queue.pop(0)
                taken.append(clock)
            if before is not None:
                pairs.append((*before, ctx.get(dut.weights)))
            pair = ctx.get(dut.pair)
            fields = (clock, pair.word, pair.tick, pair.last, pair.quiet)
            before = fields if ctx.get(dut.pair_valid) else None
            idle = 0 if queue or before else idle + 1
            clock += 1
            await ctx.tick()

    bench(dut, testbench)
    return pairs, taken


def events_for(plan, rng, count):
    """Events that often follow each other at the same place, with TICKs among them."""
    real = np.flatnonzero(plan.arriving.sent >= 0)
    near = real[rng.integers(0, min(4, len(real)), count)]
    chosen = np.where(rng.random(count) < 0.5, near, rng.choice(real, count))
    events = [(int(a), False) for a in chosen]
    for at in (3, 4, 9, 12):
        events.insert(at, (None, at == 12))
    return events


def assert_apart(pairs):
    """What Neurons relies on: the clocks between two pairs of a word, and from a sweep to an event."""
    latest, swept = {}, -9
    for clock, word, tick, *_ in pairs:
        assert clock >= latest.get(word, -9)
        assert tick or clock - swept >= 3
        latest[word] = clock + (5 if tick else 3)
        swept = clock if tick else swept


@pytest.mark.parametrize("read_ahead", [False, True])
@pytest.mark.parametrize(("shape", "channels", "kernel", "keys"), GEOMETRIES)
def test_each_event_makes_the_visits_of_its_plan_in_the_clocks_of_the_model(
    shape, channels, kernel, keys, read_ahead
):
    layer = conv_layer(np.random.default_rng(1), shape, channels, kernel, keys=keys, weight_bits=3)
    waits = 0
    for lanes in (1, 2, 4):
        rng = np.random.default_rng(lanes)
        plan = ConvPlan(layer, lanes, "block", read_ahead=read_ahead)
        events, image = events_for(plan, rng, 40), plan.weight_image()
        pairs, taken = walk(plan, events)

        model = ConvLayer(plan, 0)
        expected = [(word, 1, 1, 1, None) for word in plan.sweep]
        clocks = [(1 + i) for i in range(len(plan.sweep))]
        for clock, (address, last) in zip(taken, events, strict=True):
            model.places.extend([-3, -3])
            due = model.clear.copy()
            model.accept(clock - 1, address)
            assert model.taken == clock
            if address is None:
                visited = plan.sweep
                expected += [(word, 1, int(last), 0, None) for word in visited]
            else:
                visits = plan.visits(address)
                visited = [visit.state_word for visit in visits]
                expected += [(v.state_word, 0, 0, 0, image[v.weight_word]) for v in visits]
            clocks += [model.out[word] for word in visited]
            waits += sum(model.out[word] == due[word] for word in visited)
        got = [(w, t, n, q, None if t else weights) for _, w, t, n, q, weights in pairs]
        assert got == expected
        assert [pair[0] for pair in pairs] == clocks
        assert_apart(pairs)
    assert waits > (10 if kernel != (1, 1) else 0)


def test_a_tick_waits_for_room_and_an_event_does_not():
    layer = conv_layer(np.random.default_rng(1), (4, 4, 1), 4, (2, 2))
    plan = ConvPlan(layer, 4, "block")
    events = [(5, False), (6, False), (None, False), (7, False)]
    pairs, _ = walk(plan, events, room=lambda clock: clock >= 60)
    assert [tick for clock, _, tick, _, quiet, _ in pairs if clock < 60 and not quiet] == [0] * 8
    # Room is looked at through a register, and a pair is queued for a clock.
    assert min(clock for clock, _, tick, _, quiet, _ in pairs if tick and not quiet) == 63
