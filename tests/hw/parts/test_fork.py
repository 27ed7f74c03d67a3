import numpy as np
import pytest
from support.streams import bench

from twinspike.hw.parts.fork import Fork


@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.0, 0.8), (0.7, 0.1), (0.5, 0.5)])
def test_each_output_gets_every_payload_once_at_its_own_time(stalls):
    rng, dut, sent = np.random.default_rng(1), Fork(8), list(range(60))
    got, clocks = ([], []), 0

    async def testbench(ctx):
        nonlocal clocks
        queue, held = list(sent), [None, None]
        while len(got[0]) < 60 or len(got[1]) < 60:
            ctx.set(dut.i.payload, queue[0] if queue else 0)
            ctx.set(dut.i.valid, bool(queue))
            ready = [rng.random() >= stall for stall in stalls]
            # `valid` must not depend on `ready`: sample it with both of them low.
            for o in dut.o:
                ctx.set(o.ready, 0)
            valid = [ctx.get(o.valid) for o in dut.o]
            for k, o in enumerate(dut.o):
                ctx.set(o.ready, ready[k])
                assert ctx.get(o.valid) == valid[k]
                assert held[k] in (None, ctx.get(o.payload))
                held[k] = ctx.get(o.payload) if valid[k] and not ready[k] else None
                if valid[k] and ready[k]:
                    got[k].append(ctx.get(o.payload))
            if queue and ctx.get(dut.i.ready):
                queue.pop(0)
            clocks += 1
            assert clocks < 2000
            await ctx.tick()

    bench(dut, testbench)
    assert got == (sent, sent)
    if stalls == (0.0, 0.0):
        assert clocks == 60
