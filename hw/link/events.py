"""Packed events of the link to event words."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...numerics.link import SKIP, STEP_ENDS, TIMES
from ...numerics.values import MOST, VALUE
from ..parts.events import AXIS


class EventUnpacker(wiring.Component):
    """Bytes to words as `unpack_events` of numerics/link.py; `last` of a byte goes with its word.

    A byte every 2 clocks; a word is offered the clock after its byte was taken. With `values` it knows TIMES.

    Members: `i` (In stream of bytes in `data`, and `last`), `o` (Out stream of words), `clear` (In: forgets
    the word that is offered, and begins a step).
    """

    def __init__(self, *, values: bool = False):
        self._values = values
        super().__init__(
            {
                "i": In(stream.Signature(AXIS)),
                "o": Out(stream.Signature(AXIS)),
                "clear": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        i, o = self.i, self.o
        before, address = Signal(15, init=-1), Signal(15)  # the address before in this step
        byte = i.p.data[:8]
        ahead = Mux(byte == SKIP, TIMES, byte) if self._values else byte
        m.d.comb += [address.eq(before + ahead), i.ready.eq(~o.valid)]
        with m.If(o.ready):
            m.d.sync += o.valid.eq(0)
        with m.If(i.valid & i.ready):
            m.d.sync += [before.eq(address), o.p.data.eq(address), o.p.last.eq(i.p.last)]
            m.d.sync += o.valid.eq(i.p.data[:8] != SKIP)
            with m.If(i.p.data[:8] == STEP_ENDS):
                m.d.sync += [before.eq(-1), o.p.data.eq(1 << 15)]
        times = Signal()  # the next byte says how often addresses count
        if self._values:
            with m.If(i.valid & i.ready):
                m.d.sync += times.eq((byte == TIMES) & ~times & ~i.p.last)
                with m.If(times | (byte == TIMES)):
                    m.d.sync += [before.eq(-1), o.valid.eq(times), o.p.data.eq(VALUE | byte & MOST)]
        with m.If(self.clear):
            m.d.sync += [before.eq(-1), o.valid.eq(0), times.eq(0)]
        return m
