"""Output spikes as bits: a byte for eight neurons, whole bytes per step."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..parts.events import AXIS


class SpikePacker(wiring.Component):
    """Event words of one frame to T * ceil(N / 8) bytes: address a is bit a % 8 of its step's byte a // 8.

    Addresses must ascend inside a step, as a core's do. While not `enable`d words are swallowed. A byte takes
    a clock, a word one more.

    Members: `i` (In stream of event words), `enable` (In: low between frames), `o` (Out stream of bytes),
    `done` (Out: the frame's last word has been packed, until `enable` falls).
    """

    def __init__(self, neurons: int):
        self._bytes = -(-neurons // 8)
        super().__init__(
            {
                "i": In(stream.Signature(AXIS)),
                "enable": In(1),
                "o": Out(stream.Signature(8)),
                "done": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        i, o = self.i, self.o
        position, byte = Signal(range(max(self._bytes, 2))), Signal(8)
        tick, here, final = Signal(), Signal(), Signal()
        m.d.comb += [
            tick.eq(i.p.data[15]),
            here.eq(~tick & (i.p.data[3:15] == position)),
            final.eq(position == self._bytes - 1),
            o.payload.eq(byte),
            o.valid.eq(self.enable & i.valid & ~here & ~self.done),
            i.ready.eq(~self.enable | (here & ~self.done) | (o.valid & o.ready & tick & final)),
        ]
        with m.If(~self.enable):
            m.d.sync += [position.eq(0), byte.eq(0), self.done.eq(0)]
        with m.Elif(i.valid & here):
            m.d.sync += byte.eq(byte | (1 << i.p.data[:3]))
        with m.Elif(o.valid & o.ready):
            m.d.sync += [byte.eq(0), position.eq(position + 1)]
            with m.If(final):
                m.d.sync += [position.eq(0), self.done.eq(i.p.last & tick)]
        return m
