import numpy as np
import pytest
from amaranth.lib import data
from support.streams import bench, pump

from twinspike.hw.parts.skid import Skid

WORDS = list(range(1, 60))


@pytest.mark.parametrize(("stall_in", "stall_out"), [(0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5), (0.1, 0.9)])
def test_nothing_is_lost_repeated_or_reordered(stall_in, stall_out):
    rng = np.random.default_rng(3)
    passed = pump(
        Skid(8), WORDS, expected=len(WORDS), rng=rng, stall_in=stall_in, stall_out=stall_out, extra=5
    )
    assert passed.outputs == WORDS


def test_latency_is_one_clock_and_throughput_one_payload_a_clock():
    passed = pump(Skid(8), WORDS, expected=len(WORDS))
    assert passed.taken == list(range(len(WORDS)))
    assert passed.clocks == [clock + 1 for clock in passed.taken]


def test_structured_payloads_keep_their_fields():
    layout = data.StructLayout({"address": 5, "tick": 1})
    sent = [{"address": n % 32, "tick": n & 1} for n in range(20)]
    passed = pump(Skid(layout), sent, expected=20)
    assert passed.outputs == [entry["address"] | entry["tick"] << 5 for entry in sent]


def test_it_holds_two_payloads_and_its_outputs_follow_no_input_in_the_same_clock():
    dut = Skid(8)

    async def testbench(ctx):
        async def offer(payload):
            ctx.set(dut.i.payload, payload)
            ctx.set(dut.i.valid, 1)
            await ctx.tick()

        def outputs():
            return ctx.get(dut.i.ready), ctx.get(dut.o.valid), ctx.get(dut.o.payload)

        for fill, expected in ((7, (1, 1, 7)), (8, (0, 1, 7)), (9, (0, 1, 7))):
            await offer(fill)
            for ready in (1, 0):
                for valid in (1, 0):
                    ctx.set(dut.o.ready, ready)
                    ctx.set(dut.i.valid, valid)
                    ctx.set(dut.i.payload, 99)
                    assert outputs() == expected

    bench(dut, testbench)
