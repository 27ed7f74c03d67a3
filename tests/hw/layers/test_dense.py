import numpy as np
import pytest
from support.networks import random_network
from support.streams import bench

from twinspike.hw.layers.dense import DenseWalker
from twinspike.hw.plan import STATE_LATENCY, UPDATE_LATENCY, make_plan


def walk(plan, events, room=lambda clock: True):
    """Feed events (address, or None for a TICK; last); returns pairs (clock, word, tick, quiet, weights)."""
    dut, pairs, taken, sweeps = DenseWalker(plan), [], [], []

    async def testbench(ctx):
        queue, idle, clock, before = list(events), 0, 0, None
        while idle < 3 * plan.tick_clocks + 40:
            if queue:
                address, last = queue[0]
                ctx.set(dut.i.payload, {"address": address or 0, "tick": address is None, "last": last})
            ctx.set(dut.i.valid, bool(queue))
            ctx.set(dut.room, room(clock))
            if queue and ctx.get(dut.i.ready):
                queue.pop(0)
                taken.append(clock)
            if ctx.get(dut.sweep):
                sweeps.append(clock)
            if before is not None:
                pairs.append((*before, ctx.get(dut.weights)))
            pair = ctx.get(dut.pair)
            before = (clock, pair.word, pair.tick, pair.quiet) if ctx.get(dut.pair_valid) else None
            idle = 0 if queue or before else idle + 1
            clock += 1
            await ctx.tick()

    bench(dut, testbench)
    return pairs, taken, sweeps


@pytest.mark.parametrize(
    ("neurons", "lanes"), [(1, 1), (4, 4), (9, 4), (5, 1), (8, 2), (6, 1), (13, 1), (9, 2), (12, 2), (4, 1)]
)
@pytest.mark.parametrize("bits", [1, 4])
def test_each_event_makes_the_visits_of_its_plan(neurons, lanes, bits):
    plan = make_plan(random_network(2, shape=(5,), widths=(neurons,), weight_bits=bits), (lanes,)).layers[0]
    rng = np.random.default_rng(0)
    events = [(int(a), False) for a in rng.integers(0, 5, 12)]
    for at in (3, 4, 9, 12):
        events.insert(at, (None, at == 12))
    pairs, taken, sweeps = walk(plan, events)
    words = -(-neurons // lanes)
    assert {plan.event_clocks(address) for address in range(5)} == {max(words, UPDATE_LATENCY)}
    assert plan.tick_clocks == (words if words >= STATE_LATENCY else max(words + 2, STATE_LATENCY))

    operations = [pairs[i : i + plan.words] for i in range(0, len(pairs), plan.words)]
    assert len(operations) == 1 + len(events)
    image = plan.weight_image()
    for operation, (address, quiet) in zip(
        operations, [(None, True), *((a, False) for a, _ in events)], strict=True
    ):
        clocks, words, ticks, quiets, weights = zip(*operation, strict=True)
        assert clocks == tuple(range(clocks[0], clocks[0] + plan.words))
        visits = plan.visits(address or 0)
        assert words == tuple(visit.state_word for visit in visits)
        assert set(ticks) == {int(address is None)}
        assert set(quiets) == {int(quiet)}
        if address is not None:
            assert list(weights) == [image[visit.weight_word] for visit in visits]
    # No bubbles: the events were there all along.
    starts = [operation[0][0] for operation in operations]
    lasted = [plan.tick_clocks if a is None else plan.event_clocks(a) for a, _ in events]
    assert np.diff(starts).tolist() == [plan.tick_clocks, *lasted[:-1]]
    assert len(sweeps) == 4
    assert len(taken) == len(events)


def test_an_event_reaches_an_idle_layer_in_two_clocks():
    plan = make_plan(random_network(2, shape=(5,), widths=(12,)), (4,)).layers[0]
    late = []

    async def testbench(ctx):
        await ctx.tick().repeat(20)
        ctx.set(dut.i.valid, 1)
        assert ctx.get(dut.i.ready)
        for _ in range(4):
            late.append(ctx.get(dut.pair_valid))
            await ctx.tick()
            ctx.set(dut.i.valid, 0)

    dut = DenseWalker(plan)
    bench(dut, testbench)
    assert late == [0, 0, 1, 1]


def test_a_tick_waits_for_room_and_an_event_does_not():
    plan = make_plan(random_network(2, shape=(5,), widths=(12,)), (4,)).layers[0]
    events = [(1, False), (2, False), (None, False), (3, False)]
    pairs, _, sweeps = walk(plan, events, room=lambda clock: clock >= 60)
    assert sweeps == [61]
    assert [tick for clock, _, tick, quiet, _ in pairs if clock < 60 and not quiet] == [0] * 2 * plan.words
