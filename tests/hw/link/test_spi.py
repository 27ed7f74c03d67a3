"""The SPI peripheral against a controller at its fastest, whose edges fall anywhere between the clocks."""

import numpy as np
import pytest
from support.networks import random_network
from support.streams import bench

from twinspike.hw.link.link import Link
from twinspike.hw.link.plan import link_plan
from twinspike.hw.link.spi import LEAST_CLOCKS, SpiLine
from twinspike.hw.plan import make_plan
from twinspike.numerics.link import ANSWER, FLAG, Deframer, Op, frame


class Controller:
    """SPI mode 0: a bit takes `clocks`; `queue` is what the peripheral has to send, `got` what came in it."""

    def __init__(self, ctx, dut, clocks):
        self.ctx, self.dut, self.clocks = ctx, dut, clocks
        self.queue, self.got, self.broken = [], [], 0
        self._now, self._time = 0, 0.0

    async def wait(self, clocks):
        """Let a time pass that is no whole number of clocks."""
        self._time += clocks
        while self._now < self._time:
            ctx, dut = self.ctx, self.dut
            self._now += 1
            if not isinstance(dut, SpiLine):
                await ctx.tick()
                continue
            ctx.set(dut.i.valid, bool(self.queue))
            ctx.set(dut.i.payload, int(self.queue[0]) if self.queue else 0)
            taken = ctx.get(dut.i.ready) and bool(self.queue)
            await ctx.tick()
            if taken:
                self.queue.pop(0)
            if ctx.get(dut.valid):
                self.got.append(ctx.get(dut.data))
            self.broken += ctx.get(dut.broken)

    async def transfer(self, data, bits=8):
        """Bytes out, and those that came in; `bits` of the last one."""
        dut, ctx, found = self.dut, self.ctx, []
        ctx.set(dut.cs_n, 0)
        await self.wait(self.clocks)
        for at, byte in enumerate(data):
            value = 0
            for k in range(bits if at == len(data) - 1 else 8):
                ctx.set(dut.copi, int(byte) >> 7 - k & 1)
                await self.wait(self.clocks / 2)
                value = value << 1 | ctx.get(dut.cipo)
                ctx.set(dut.sck, 1)
                await self.wait(self.clocks / 2)
                ctx.set(dut.sck, 0)
            found.append(value)
        await self.wait(self.clocks / 2)
        ctx.set(dut.cs_n, 1)
        await self.wait(self.clocks)
        return found


@pytest.mark.parametrize("clocks", [LEAST_CLOCKS, 6.7, 9, 40])
def test_bytes_go_both_ways_and_flags_stand_where_there_are_none(clocks):
    rng = np.random.default_rng(1)
    out = rng.integers(0, 256, 20).tolist()
    back = rng.integers(0, 256, 12).tolist()
    dut = SpiLine()

    async def testbench(ctx):
        line = Controller(ctx, dut, clocks)
        await line.wait(7.3)
        assert await line.transfer(out[:5]) == [FLAG] * 5
        line.queue = list(back)
        # A byte comes out whole, whatever transfers it is asked for in.
        await line.wait(3)
        found = await line.transfer(out[5:8]) + await line.transfer(out[8:9]) + await line.transfer(out[9:])
        assert found == [*back, *[FLAG] * 3]
        assert line.got == out and line.broken == 0

    bench(dut, testbench)


def test_a_byte_that_was_not_begun_is_kept_and_one_that_was_cut_off_is_seen():
    dut = SpiLine()

    async def testbench(ctx):
        line = Controller(ctx, dut, 8)
        await line.wait(5)
        line.queue = [0xA5, 0x3C]
        await line.wait(5)
        for _ in range(3):
            assert await line.transfer([]) == []  # selected, and nothing else
        assert line.queue == [0xA5, 0x3C]
        assert await line.transfer([0x11]) == [0xA5]
        assert line.got == [0x11] and line.broken == 0
        await line.transfer([0x22], bits=3)
        assert line.got == [0x11] and line.broken == 1
        # The next byte begins afresh.
        assert await line.transfer([0x33]) == [FLAG] and line.got == [0x11, 0x33]

    bench(dut, testbench)


def test_a_session_by_spi_reads_a_register():
    dut = Link(link_plan(make_plan(random_network())), SpiLine())
    deframer = Deframer()

    async def core(ctx):
        # As a register file: the word that is read is its address.
        async for *_, read, address in ctx.tick().sample(dut.registers.read, dut.registers.read_address):
            if read:
                ctx.set(dut.registers.read_data, 1000 + address)

    async def testbench(ctx):
        answers = []
        line = Controller(ctx, dut, LEAST_CLOCKS)
        for request in (frame(7, Op.OPEN, b"abcd"), frame(8, Op.READ, bytes((5, 0, 2))), bytes((FLAG,)) * 30):
            answers += deframer.feed(bytes(await line.transfer([*request, *[FLAG] * 12])))
        (first, kind, opened), second = answers
        assert (first, kind, opened[:4]) == (7, ANSWER | Op.OPEN, b"abcd")
        words = (1005).to_bytes(4, "little") + (1006).to_bytes(4, "little")
        assert second == (8, ANSWER | Op.READ, words) and deframer.broken == 0

    bench(dut, testbench, core)
