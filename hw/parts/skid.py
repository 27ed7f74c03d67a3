"""Two-entry buffer that cuts a stream's paths: valid, payload and ready all come from registers."""

from amaranth.hdl import Module, Shape, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Skid(wiring.Component):
    """Two-entry stream buffer.

    Latency 1 clock, throughput 1 payload per clock. No combinational path from `o.ready` to
    `i.ready`, nor from `i` to `o`.

    Members: `i` (In stream), `o` (Out stream), both of `shape`.
    """

    def __init__(self, shape: ShapeLike):
        self._shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        width = Shape.cast(self._shape).width
        head, spare = Signal(width, reset_less=True), Signal(width, reset_less=True)
        head_valid, spare_valid = Signal(), Signal()
        i, o = self.i, self.o
        payload, target = Value.cast(i.payload), Value.cast(o.payload)
        m.d.comb += [i.ready.eq(~spare_valid), o.valid.eq(head_valid), target.eq(head)]

        with m.If(o.ready | ~head_valid):
            # The head leaves (or is empty): the spare entry moves up, else a new payload enters.
            m.d.sync += [
                head.eq(payload),
                head_valid.eq(i.valid | spare_valid),
                spare_valid.eq(0),
            ]
            with m.If(spare_valid):
                m.d.sync += head.eq(spare)
        with m.Elif(i.valid & i.ready):
            m.d.sync += spare_valid.eq(1)
        with m.If(i.ready):
            m.d.sync += spare.eq(payload)
        return m
