"""Frames of several sources: never mixed, none lost, each source's in order."""

import numpy as np
import pytest
from support.streams import bench

from twinspike.hw.bus.frame_select import FrameSelect


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_frames_stay_whole_and_the_first_source_goes_first(stall):
    rng = np.random.default_rng(1)
    sources = [
        [[source << 8 | frame << 4 | i for i in range(int(rng.integers(1, 5)))] for frame in range(6)]
        for source in range(3)
    ]
    dut, got = FrameSelect(3), []

    async def testbench(ctx):
        queues = [[(w, w == frame[-1]) for frame in frames for w in frame] for frames in sources]
        offered = [False] * 3
        while any(queues):
            for i, queue in zip(dut.i, queues, strict=True):
                number = queues.index(queue)
                if queue and not offered[number] and rng.random() >= stall:
                    offered[number] = True
                    ctx.set(i.p, {"data": queue[0][0], "last": queue[0][1]})
                ctx.set(i.valid, offered[number])
            ready = rng.random() >= stall
            ctx.set(dut.o.ready, ready)
            ctx.set(dut.ends, ctx.get(dut.o.p.last))
            taken = [bool(ctx.get(i.ready)) and offered[n] for n, i in enumerate(dut.i)]
            assert sum(taken) == (ctx.get(dut.o.valid) and ready)
            if any(taken):
                number = taken.index(True)
                word, last = queues[number].pop(0)
                assert (ctx.get(dut.o.p.data), ctx.get(dut.o.p.last)) == (word, last)
                got.append((word, last))
                offered[number] = False
            await ctx.tick()

    bench(dut, testbench)
    frames, frame = [], []
    for word, last in got:
        frame.append(word)
        if last:
            frames.append(frame)
            frame = []
    assert not frame
    for source, wanted in enumerate(sources):
        assert [f for f in frames if f[0] >> 8 == source] == wanted
    if not stall:
        assert frames == [f for wanted in sources for f in wanted]


def test_no_frame_is_chosen_on_hold_and_one_that_is_goes_on():
    dut = FrameSelect(2)

    async def testbench(ctx):
        ctx.set(dut.i[1].valid, 1)
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.hold, 1)
        await ctx.tick().repeat(3)
        assert not ctx.get(dut.inside) and not ctx.get(dut.o.valid)
        ctx.set(dut.hold, 0)
        await ctx.tick()
        ctx.set(dut.hold, 1)
        for _ in range(3):
            assert ctx.get(dut.inside) and ctx.get(dut.o.valid)
            await ctx.tick()
        ctx.set(dut.ends, 1)
        await ctx.tick()
        assert not ctx.get(dut.inside) and not ctx.get(dut.i[1].ready)

    bench(dut, testbench)
