"""One stream to several consumers that each take at their own time."""

from amaranth.hdl import Cat, Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Fork(wiring.Component):
    """Hands every payload to all outputs, once each; it leaves the input when the last one took it.

    No register between `i` and the outputs: latency 0, one payload per clock. An output's `valid`
    depends on no `ready` of the same clock, so a payload once offered stays until it is taken.

    Members: `i` (In stream), `o` (array of `ways` Out streams), all of `shape`.
    """

    def __init__(self, shape: ShapeLike, ways: int = 2):
        signature = stream.Signature(shape)
        super().__init__({"i": In(signature), "o": Out(signature).array(ways)})

    def elaborate(self, platform):
        m = Module()
        gave = Signal(len(self.o))
        taken = Cat((o.valid & o.ready) | gave[k] for k, o in enumerate(self.o))
        for k, o in enumerate(self.o):
            m.d.comb += [o.payload.eq(self.i.payload), o.valid.eq(self.i.valid & ~gave[k])]
        m.d.comb += self.i.ready.eq(Cat(o.ready | gave[k] for k, o in enumerate(self.o)).all())
        m.d.sync += gave.eq(taken)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += gave.eq(0)
        return m
