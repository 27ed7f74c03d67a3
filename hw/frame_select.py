"""Whole frames from several streams of event words into one."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .events import AXIS


class FrameSelect(wiring.Component):
    """Hands on one of its inputs until its frame ends; where several wait, the first goes first.

    No register between inputs and output: latency 0, a word a clock. What is offered stays chosen.

    Members: `i` (array of In streams of words and `last`), `o` (Out stream of them), `ends` (In: the word
    that leaves in this clock ends its frame).
    """

    def __init__(self, sources: int):
        self._sources = sources
        super().__init__({
            "i": In(stream.Signature(AXIS)).array(sources), "o": Out(stream.Signature(AXIS)), "ends": In(1),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        held, kept, chosen = Signal(), Signal(range(self._sources)), Signal(range(self._sources))
        m.d.comb += chosen.eq(self._sources - 1)
        for number in reversed(range(self._sources - 1)):
            with m.If(self.i[number].valid):
                m.d.comb += chosen.eq(number)
        with m.If(held):
            m.d.comb += chosen.eq(kept)
        with m.Switch(chosen):
            for number, source in enumerate(self.i):
                with m.Case(number):
                    m.d.comb += [
                        self.o.p.eq(source.p),
                        self.o.valid.eq(source.valid),
                        source.ready.eq(self.o.ready),
                    ]
        with m.If(self.o.valid):
            m.d.sync += [held.eq(~(self.o.ready & self.ends)), kept.eq(chosen)]
        return m
