"""A core behind registers, driven register by register."""

import numpy as np
from support.buses import MASTERS
from support.streams import bench

from twinspike.hw.bus.registers import REGISTERS
from twinspike.hw.bus.top import BusTop
from twinspike.hw.readout.result import RESULT

AT = {register.name: register.offset for register in REGISTERS}
RESULT_WAITING = 4


class Bench:
    """A bus top with a master on its bus, a source on `s_axis`, and sinks that always take."""

    def __init__(self, plan, bus, *, seed=0, stall=0.0, stream=()):
        self.dut = BusTop(plan, bus)
        self.master = MASTERS[bus](self.dut, np.random.default_rng(seed), stall)
        self.stream, self.results, self.spikes = list(stream), [], 0
        self.irq, self.background = 0, []

    def run(self, story):
        async def testbench(ctx):
            for name in ("m_axis_tready", "m_result_tready"):
                ctx.set(getattr(self.dut, name), 1)
            await story(ctx)

        bench(self.dut, testbench, self._source, self._sink, self.master.watch, *self.background)

    async def _source(self, ctx):
        dut = self.dut
        for word in self.stream:
            ctx.set(dut.s_axis_tvalid, 1)
            ctx.set(dut.s_axis_tdata, word & 0xFFFF)
            ctx.set(dut.s_axis_tlast, word >> 16)
            await ctx.tick().until(dut.s_axis_tready)
        ctx.set(dut.s_axis_tvalid, 0)

    async def _sink(self, ctx):
        d = self.dut
        async for *_, valid, ready, record, spike, irq in ctx.tick().sample(
            d.m_result_tvalid, d.m_result_tready, d.m_result_tdata, d.m_axis_tvalid, d.irq
        ):
            if valid and ready:
                f = {n: record >> RESULT[n].offset & (1 << RESULT[n].width) - 1 for n, _ in RESULT}
                self.results.append((f["label"], f["distance"], f["runner_up"], f["same"]))
            self.spikes += spike
            self.irq = irq

    async def read(self, ctx, name):
        return await self.master.read(ctx, AT[name])

    async def write(self, ctx, name, value, mask=0xF):
        await self.master.write(ctx, AT[name], value, mask)

    async def send(self, ctx, words):
        for word in words:
            while not await self.read(ctx, "EVENT_SPACE"):
                pass
            await self.write(ctx, "EVENT", word)

    async def result(self, ctx):
        """Wait for a result, take it: (label, distance, runner-up, same)."""
        for _ in range(300):
            if await self.read(ctx, "STATUS") & RESULT_WAITING:
                break
        else:
            raise AssertionError("no result")
        label, distance, runner_up = [await self.read(ctx, n) for n in ("LABEL", "DISTANCE", "RUNNER_UP")]
        await self.write(ctx, "STATUS", RESULT_WAITING)
        return label & 0xFFFF, distance, runner_up, label >> 16
