"""The step timer behind registers: set, started, stopped and read over a bus."""

import numpy as np
import pytest
from support.buses import MASTERS
from support.control import Bench
from support.networks import random_network

from twinspike.hw.plan import make_plan
from twinspike.numerics.events import TICK, frame_words
from twinspike.sim.golden import run

T, PERIOD = 3, 900
LAST = 1 << 16
RUN, DROP, ON_EVENT, RUNNING, CLEAR = 1, 2, 4, 1 << 8, 1 << 31
BUSY = 2


@pytest.fixture(scope="module")
def plan():
    network = random_network(6, timesteps=T, shape=(5,), widths=(6, 4), classes=3)
    return make_plan(network, (2, 3), step_timer=PERIOD)


def answer(plan, spikes):
    found = run(plan.network, spikes[:, None]).results
    return int(found.label[0]), int(found.distance[0]), int(found.runner_up[0]), int(found.same[0])


@pytest.mark.parametrize("bus", MASTERS)
def test_live_frames_over_a_bus_and_then_frames_with_ticks(plan, bus):
    rng = np.random.default_rng(1)
    # A period is far longer than the events take, so that all of them are in the first step.
    first = [rng.random(5) < 0.6 for _ in range(3)]
    live = np.zeros((3, T, 5), bool)
    live[:, 0] = first
    live[:, 0, 0] = True
    still = rng.random((T, 5)) < 0.5
    b = Bench(plan, bus, seed=2)

    async def story(ctx):
        assert await b.read(ctx, "STEP_CLOCKS") == PERIOD
        assert await b.read(ctx, "FEATURES") >> 18 & 1
        await b.write(ctx, "STEP_TIMER", RUN | ON_EVENT)
        while await b.read(ctx, "STEP_TIMER") != RUN | ON_EVENT | RUNNING:
            pass
        for frame, spikes in enumerate(live):
            addresses = np.flatnonzero(spikes[0]).tolist()
            if frame == 1:  # by the stream, with TICKs that mean nothing
                b.stream = [word for a in addresses for word in (a, TICK | LAST)]
                await b._source(ctx)
            else:
                await b.send(ctx, addresses)
            assert await b.read(ctx, "STATUS") & BUSY
            while await b.read(ctx, "FRAMES") <= frame:
                pass
        assert not await b.read(ctx, "STATUS") & BUSY and not await b.read(ctx, "STEP_LOSSES")
        await b.write(ctx, "STEP_TIMER", 0)
        while await b.read(ctx, "STEP_TIMER"):
            pass
        words, last = frame_words(still)
        await b.send(ctx, [int(w) | int(end) << 16 for w, end in zip(words, last, strict=True)])
        while await b.read(ctx, "FRAMES") < 4:
            pass
        assert await b.read(ctx, "ERRORS") == 0

    b.run(story)
    assert b.results == [answer(plan, spikes) for spikes in (*live, still)]


def test_frames_by_the_clock_alone_losses_and_soft_reset(plan):
    b = Bench(plan, "wishbone")

    async def story(ctx):
        await b.write(ctx, "STEP_CLOCKS", 40)
        await b.write(ctx, "STEP_TIMER", RUN | DROP)
        # More than the core takes: a layer needs several clocks for each.
        b.stream = [0, 1, 2, 3, 4] * 40
        await b._source(ctx)
        losses = await b.read(ctx, "STEP_LOSSES")
        assert 0 < losses & 0xFFFF < 200
        await b.write(ctx, "STEP_TIMER", RUN | DROP | CLEAR)
        assert await b.read(ctx, "STEP_LOSSES") == 0
        # Silence is made of frames as well, T periods each.
        before = await b.read(ctx, "FRAMES")
        await ctx.tick().repeat(40 * T * 10)
        assert 9 <= await b.read(ctx, "FRAMES") - before <= 12
        await b.write(ctx, "CONTROL", 1)
        assert await b.read(ctx, "STEP_CLOCKS") == 40
        assert await b.read(ctx, "STEP_TIMER") & (RUN | DROP) == RUN | DROP
        assert await b.read(ctx, "FRAMES") <= 1
        await b.write(ctx, "STEP_TIMER", 0)
        while await b.read(ctx, "STEP_TIMER") & RUNNING or await b.read(ctx, "STATUS") & BUSY:
            pass

    b.run(story)


def test_a_core_without_a_timer_has_no_such_registers():
    plan = make_plan(random_network(6, timesteps=T, shape=(5,), widths=(6, 4), classes=3), (2, 3))
    b = Bench(plan, "wishbone")

    async def story(ctx):
        for name in ("STEP_TIMER", "STEP_CLOCKS", "STEP_LOSSES"):
            await b.write(ctx, name, 0xFFFF_FFFF)
            assert await b.read(ctx, name) == 0
        assert not await b.read(ctx, "FEATURES") >> 18 & 1

    b.run(story)
