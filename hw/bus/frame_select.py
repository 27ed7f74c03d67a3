"""Whole frames from several streams of event words into one."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..parts.events import AXIS


class FrameSelect(wiring.Component):
    """Hands on one of its inputs until its frame ends; where several wait, the first goes first.

    A clock passes before each frame, in which its source is chosen; then there is no register between
    input and output: latency 0, a word per clock.

    Members: `i` (array of In streams of words and `last`), `o` (Out stream of them), `ends` (In: the word
    that leaves in this clock ends its frame), `hold` (In: no frame is chosen), `loose` (In: words belong
    to no frame, and a source is left as soon as it offers none), `inside` (Out: one is chosen).
    """

    def __init__(self, sources: int):
        self._sources = sources
        super().__init__(
            {
                "i": In(stream.Signature(AXIS)).array(sources),
                "o": Out(stream.Signature(AXIS)),
                "ends": In(1),
                "hold": In(1),
                "loose": In(1),
                "inside": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        chosen, first = Signal(range(self._sources)), Signal(range(self._sources))
        inside = self.inside
        m.d.comb += first.eq(self._sources - 1)
        for number in reversed(range(self._sources - 1)):
            with m.If(self.i[number].valid):
                m.d.comb += first.eq(number)
        with m.Switch(chosen):
            for number, source in enumerate(self.i):
                with m.Case(number):
                    m.d.comb += [
                        self.o.p.eq(source.p),
                        self.o.valid.eq(source.valid & inside),
                        source.ready.eq(self.o.ready & inside),
                    ]
        with m.If(~inside):
            m.d.sync += [inside.eq(Cat(s.valid for s in self.i).any() & ~self.hold), chosen.eq(first)]
        with m.Elif((self.o.valid & self.o.ready & self.ends) | (self.loose & ~self.o.valid)):
            m.d.sync += inside.eq(0)
        return m
