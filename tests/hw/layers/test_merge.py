"""Merges of several streams: whatever waits on either side, each step is what the sources sent in it."""

import numpy as np
import pytest
from support.streams import bench

from twinspike.hw.layers.merge import merge_stage
from twinspike.hw.plan.maps import MapFields
from twinspike.hw.plan.merge import Leaving, MergePlan

FIELDS = MapFields(3, 5, 3)  # with padding between rows and places


def merged(plan, steps, seed, offered, taken):
    """Send each source's steps of (address, times); returns what leaves, step by step, and its `last`s.

    `offered` and `taken`: how often an event is offered or taken, of all clocks.
    """
    dut, rng, found, lasts = merge_stage(plan), np.random.default_rng(seed), [[]], []

    async def testbench(ctx):
        queues = [
            [one for t, step in enumerate(own) for one in [*step, (None, t == len(own) - 1)]] for own in steps
        ]
        inputs = [getattr(dut, f"i{k}") for k in range(len(steps))]
        waiting = [False] * len(steps)
        for _ in range(6000):
            for k, (i, queue) in enumerate(zip(inputs, queues, strict=True)):
                waiting[k] = waiting[k] or (bool(queue) and rng.random() < offered)
                ctx.set(i.valid, waiting[k])
                if not waiting[k]:
                    continue
                address, more = queue[0]
                event = {"address": address or 0, "tick": address is None, "last": address is None and more}
                times = {"times": more if address is not None else 0} if plan.before[k].most > 1 else {}
                ctx.set(i.payload, event | times)
            ctx.set(dut.o.ready, rng.random() < taken)
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                payload = ctx.get(dut.o.payload)
                if payload.tick:
                    found.append([])
                    lasts.append(payload.last)
                else:
                    times = payload.times if plan.most > 1 else 1
                    found[-1].append((payload.address, times))
            for k, i in enumerate(inputs):
                if waiting[k] and ctx.get(i.ready):
                    queues[k].pop(0)
                    waiting[k] = False
            await ctx.tick()
            if len(lasts) == len(steps[0]):
                break

    bench(dut, testbench)
    return found[:-1], lasts


def sent(rng, count, most, steps=6):
    """Steps of (address, times) with empty and full ones among them; an address may come twice."""
    real = np.flatnonzero(FIELDS.sent >= 0)
    sizes = [0, *rng.integers(20, 60, steps - 1)]
    return [
        [(int(a), int(rng.integers(0 if most > 1 else 1, most + 1))) for a in rng.choice(real, n)]
        for n in rng.permutation(sizes)
    ]


@pytest.mark.parametrize(("offered", "taken"), [(1, 1), (0.5, 1), (1, 0.3), (0.4, 0.5)])
@pytest.mark.parametrize(
    ("combine", "mosts", "without"),
    [
        ("add", (1, 1), None),
        ("add", (1, 7, 3), None),
        ("and", (1, 1), None),
        ("and", (3, 1, 1), None),
        ("iand", (1, 1), 0),
        ("iand", (1, 7), 1),
    ],
)
def test_each_step_is_what_its_sources_make_of_it(combine, mosts, without, offered, taken):
    before = tuple(Leaving(most, 2, FIELDS.sent, (k,)) for k, most in enumerate(mosts))
    plan = MergePlan(tuple(range(len(mosts))), combine, FIELDS, before, without)
    rng = np.random.default_rng(len(mosts))
    steps = [sent(rng, 6, most) for most in mosts]
    found, lasts = merged(plan, steps, 1, offered, taken)
    assert lasts == [0] * 5 + [1]
    for t, step in enumerate(found):
        if combine == "add":
            assert step == [event for own in steps for event in own[t]]
            continue
        seen = [{address for address, times in own[t] if times} for own in steps]
        kept = set.intersection(*(s for k, s in enumerate(seen) if k != without))
        assert step == [
            (address, 1) for address in sorted(kept - (seen[without] if without is not None else set()))
        ]
    assert any(found)


def test_how_often_what_is_added_may_count():
    before = (Leaving(7, 1, None, (-1,)), Leaving(1, 4, None, (0,)), Leaving(2, 3, None, (1,)))
    plan = MergePlan((-1, 0, 1), "add", FIELDS, before, None)
    assert plan.most == 7 and plan.copies * 7 >= 7 + 4 + 6 > (plan.copies - 1) * 7
    both = MergePlan((-1, 0, 1), "and", FIELDS, before, None)
    assert (both.most, both.copies) == (1, 1)
