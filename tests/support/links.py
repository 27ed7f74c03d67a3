"""A core behind its link in Amaranth's simulator, bytes of the line at both ends."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from support.streams import bench

from twinspike.hw.bus.control import Control
from twinspike.hw.link.engine import LinkEngine
from twinspike.hw.link.link import attach
from twinspike.hw.link.plan import link_plan
from twinspike.hw.link.receiver import LinkReceiver
from twinspike.hw.link.sender import LinkSender
from twinspike.numerics.link import Deframer


class ByteLink(wiring.Component):
    """hw/link/link.py without its UART: `data`, `valid` (In) are bytes that came, `o` (Out) bytes to send."""

    def __init__(self, plan, **sizes):
        self.plan = plan
        self.link = link_plan(plan, **sizes)
        super().__init__({"data": In(8), "valid": In(1), "o": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = LinkReceiver(self.link.buffer_bytes)
        m.submodules.engine = engine = LinkEngine(self.link)
        m.submodules.sender = sender = LinkSender()
        m.submodules.control = self.control = control = Control(self.plan)
        m.d.comb += [receiver.data.eq(self.data), receiver.valid.eq(self.valid)]
        wiring.connect(m, receiver.o, engine.i)
        wiring.connect(m, engine.o, sender.i)
        wiring.connect(m, sender.o, wiring.flipped(self.o))
        attach(m, engine, control, pixels=self.plan.pixels)
        return m


class Line:
    """Sends frames and collects what comes back, (sequence, kind, payload) each."""

    CLOCKS_A_BYTE = 11

    def __init__(self, dut):
        self.dut, self.answers, self._deframer = dut, [], Deframer()

    def run(self, story):
        async def testbench(ctx):
            self.ctx = ctx
            ctx.set(self.dut.o.ready, 1)
            await story(self)

        bench(self.dut, testbench, self._sink)

    async def _sink(self, ctx):
        async for *_, valid, byte in ctx.tick().sample(self.dut.o.valid, self.dut.o.payload):
            if valid:
                self.answers += self._deframer.feed(bytes((byte,)))

    async def send(self, data):
        for byte in data:
            self.ctx.set(self.dut.data, byte)
            self.ctx.set(self.dut.valid, 1)
            await self.ctx.tick()
            self.ctx.set(self.dut.valid, 0)
            await self.ctx.tick().repeat(self.CLOCKS_A_BYTE - 1)

    async def answer(self, clocks=20_000):
        """The next answer."""
        for _ in range(clocks // 20):
            if self.answers:
                return self.answers.pop(0)
            await self.ctx.tick().repeat(20)
        raise AssertionError("no answer")

    async def silence(self, clocks=2000):
        await self.ctx.tick().repeat(clocks)
        assert not self.answers
