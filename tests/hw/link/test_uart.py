"""UART against a line that is sampled and driven bit by bit, at rates that do and do not divide the clock."""

import numpy as np
import pytest
from support.streams import bench

from twinspike.hw.link.uart import Rate, UartReceiver, UartTransmitter
from twinspike.numerics.errors import TwinspikeError

CASES = [
    (12e6, 3_000_000),
    (48e6, 3_000_000),
    (36e6, 3_000_000),
    (13.7e6, 3_000_000),
    (25e6, 2_000_000),
    (12e6, 115_200),
]


def line(data, clocks_a_bit, skew=1.0, start=7.3):
    """Level of the line at each clock for bytes sent at `skew` times the nominal rate."""
    bits = [1] * 2 + [b for byte in data for b in (0, *(byte >> i & 1 for i in range(8)), 1)] + [1] * 4
    length = clocks_a_bit / skew
    return [1] * int(start) + [bits[int(n / length)] for n in range(int(len(bits) * length))]


@pytest.mark.parametrize(("clock", "baud"), CASES)
@pytest.mark.parametrize("skew", [0.98, 1.0, 1.02])
def test_bytes_are_received(clock, baud, skew):
    data = [*np.random.default_rng(1).integers(0, 256, 12 if baud < 1e6 else 60).tolist(), 0, 255, 0x55]
    dut = UartReceiver(Rate(clock, baud))
    got = []

    async def testbench(ctx):
        for level in line(data, clock / baud, skew):
            ctx.set(dut.rx, level)
            await ctx.tick()
            assert not ctx.get(dut.broken)
            if ctx.get(dut.valid):
                got.append(ctx.get(dut.data))
        await ctx.tick().repeat(4)

    bench(dut, testbench)
    assert got == data


def test_a_glitch_is_no_start_and_a_missing_stop_bit_is_seen():
    dut = UartReceiver(Rate(48e6, 3_000_000))
    seen = []

    async def testbench(ctx):
        levels = [1] * 20 + [0] * 3 + [1] * 200 + [0] * (16 * 10) + [1] * 200 + line([0xA5], 16)
        for level in levels:
            ctx.set(dut.rx, level)
            await ctx.tick()
            seen.extend(["broken"] * ctx.get(dut.broken) + [ctx.get(dut.data)] * ctx.get(dut.valid))

    bench(dut, testbench)
    assert seen == ["broken", 0xA5]


@pytest.mark.parametrize(("clock", "baud"), CASES)
def test_bytes_are_sent(clock, baud):
    data = np.random.default_rng(2).integers(0, 256, 6 if baud < 1e6 else 30).tolist()
    dut = UartTransmitter(Rate(clock, baud))
    levels = []

    async def testbench(ctx):
        queue = list(data)
        # A pause in the middle: the line rests high.
        for at in range(int(clock / baud * 10.5 * (len(data) + 3))):
            ctx.set(dut.i.valid, bool(queue) and not 200 < at < 300)
            ctx.set(dut.i.payload, int(queue[0]) if queue else 0)
            taken = ctx.get(dut.i.ready) and ctx.get(dut.i.valid)
            await ctx.tick()
            levels.append(ctx.get(dut.tx))
            if taken:
                queue.pop(0)
        assert not queue

    bench(dut, testbench)
    got, at, bit = [], 0, clock / baud
    while 0 in levels[at:]:
        at = levels.index(0, at)
        sampled = [levels[int(at + (k + 0.5) * bit)] for k in range(10)]
        assert (sampled[0], sampled[9]) == (0, 1)
        got.append(sum(b << k for k, b in enumerate(sampled[1:9])))
        at = int(at + 9.5 * bit)
    assert got == data


def test_edges_are_the_nearest_clocks_and_too_slow_a_clock_is_refused():
    for clock in (12e6, 24e6, 36e6, 48e6, 100e6):
        for baud in (9600, 115_200, 921_600, 3_000_000):
            edges = Rate(clock, baud).edges
            assert all(abs(edge - k * clock / baud) <= 0.5 for k, edge in enumerate(edges))
    with pytest.raises(TwinspikeError, match=r"baud = 4000000 is not allowed: expected 1..3000000 at 12 MHz"):
        Rate(12e6, 4_000_000)
