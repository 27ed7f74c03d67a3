"""From answers to bytes of the line: CRC and framing."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...numerics.link import CRC_BYTES, ESCAPE, FLAG, FLIP
from ..parts.events import AXIS
from .crc import SerialCrc


class LinkSender(wiring.Component):
    """Sends frames: FLAG, the bytes of `i` up to its `last`, their CRC, FLAG, with escapes between.

    A byte is offered 10 clocks after it was taken, which no line at LEAST_CLOCKS a bit notices.

    Members: `i` (In stream of bytes in `data`, and `last`), `o` (Out stream of bytes).
    """

    def __init__(self):
        super().__init__({"i": In(stream.Signature(AXIS)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.crc = crc = SerialCrc()
        i, o = self.i, self.o
        byte, last, escaped = Signal(8, reset_less=True), Signal(reset_less=True), Signal()
        sent, ending, special = Signal(range(CRC_BYTES)), Signal(), Signal()  # bytes of the CRC
        m.d.comb += [
            crc.data.eq(byte),
            special.eq((byte == FLAG) | (byte == ESCAPE)),
        ]
        with m.FSM():
            with m.State("Idle"):
                m.d.comb += [crc.clear.eq(1), o.payload.eq(FLAG), o.valid.eq(i.valid)]
                m.d.sync += [sent.eq(0), ending.eq(0)]
                with m.If(o.valid & o.ready):
                    m.next = "Take"
            with m.State("Take"):
                m.d.comb += i.ready.eq(~crc.busy)
                m.d.sync += [byte.eq(i.p.data), last.eq(i.p.last)]
                with m.If(i.valid & i.ready):
                    m.next = "Sum"
            with m.State("Sum"):
                m.d.comb += crc.start.eq(1)
                m.next = "Send"
            with m.State("Send"):
                m.d.comb += o.valid.eq(1)
                with m.If(special & ~escaped):
                    m.d.comb += o.payload.eq(ESCAPE)
                    with m.If(o.ready):
                        m.d.sync += escaped.eq(1)
                with m.Else():
                    m.d.comb += o.payload.eq(byte ^ (escaped << FLIP.bit_length() - 1))
                    with m.If(o.ready):
                        m.d.sync += escaped.eq(0)
                        with m.If(ending & (sent == CRC_BYTES - 1)):
                            m.next = "End"
                        with m.Elif(ending):
                            m.d.sync += sent.eq(sent + 1)
                            m.next = "Crc"
                        with m.Elif(last):
                            m.next = "Crc"
                        with m.Else():
                            m.next = "Take"
            with m.State("Crc"):
                m.d.sync += [byte.eq(crc.crc.word_select(sent, 8)), ending.eq(1)]
                with m.If(~crc.busy):
                    m.next = "Send"
            with m.State("End"):
                m.d.comb += [o.payload.eq(FLAG), o.valid.eq(1)]
                with m.If(o.ready):
                    m.next = "Idle"
        return m
