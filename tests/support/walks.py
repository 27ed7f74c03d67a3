"""Driving the walkers of layers on maps: events in, pairs and their clocks out."""

import numpy as np
from support.streams import bench


def walk(dut, plan, events, room=lambda clock: True):
    """Feed events (address, or None for a TICK; last); returns the pairs and the clocks of events taken.

    A pair is (clock, word, tick, last, quiet, end, void, weights). What Neurons says of words reached for the
    first time comes 3 clocks after their pairs.
    """
    pairs, taken = [], []

    async def testbench(ctx):
        queue, idle, clock, before, reached, late = list(events), 0, 0, None, set(), [None] * 3
        while idle < 40:
            if queue:
                address, last = queue[0]
                ctx.set(dut.i.payload, {"address": address or 0, "tick": address is None, "last": last})
            ctx.set(dut.i.valid, bool(queue))
            ctx.set(dut.room, room(clock))
            if plan.sweeps_reached:
                ctx.set(dut.fresh, late[0] is not None)
                ctx.set(dut.fresh_word, late[0] or 0)
            if queue and ctx.get(dut.i.ready):
                queue.pop(0)
                taken.append(clock)
            if before is not None:
                pairs.append((*before, ctx.get(dut.weights)))
            pair, fresh = ctx.get(dut.pair), None
            valid, void = ctx.get(dut.pair_valid), pair.void if plan.sweeps_reached else 0
            fields = (clock, pair.word, pair.tick, pair.last, pair.quiet, pair.end, void)
            before = fields if valid else None
            if valid and pair.tick and pair.last and not pair.quiet:
                reached = set()
            elif valid and not pair.tick and pair.word not in reached:
                fresh = pair.word
                reached.add(fresh)
            late = [*late[1:], fresh]
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
        assert tick or clock - swept >= 5
        latest[word] = clock + (5 if tick else 3)
        swept = clock if tick else swept
