"""The link's CRC: the parameters of numerics/link.py's zlib.crc32, for hardware a bit per clock."""

from amaranth.hdl import Module, Signal
from amaranth.lib import crc, wiring
from amaranth.lib.wiring import In, Out

ALGORITHM = crc.catalog.CRC32_ISO_HDLC


class SerialCrc(wiring.Component):
    """The CRC of bytes, 8 clocks each, lowest bit first: 8 bits at once would cost four times as much.

    Members: `clear` (In: a new frame), `data` (In 8), `start` (In, for a clock: take `data` while not
    `busy`), `busy` (Out), `crc` (Out), `match` (Out: the bytes taken end with their own CRC).
    """

    def __init__(self):
        width = ALGORITHM.crc_width
        super().__init__(
            {
                "clear": In(1),
                "data": In(8),
                "start": In(1),
                "busy": Out(1),
                "crc": Out(width),
                "match": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.bits = bits = ALGORITHM(data_width=1).create()
        byte, left = Signal(8, reset_less=True), Signal(4)
        m.d.comb += [
            self.busy.eq(left.any()),
            bits.start.eq(self.clear),
            bits.data.eq(byte[0]),
            bits.valid.eq(self.busy & ~self.clear),
            self.crc.eq(bits.crc),
            self.match.eq(bits.match_detected),
        ]
        with m.If(self.clear):
            m.d.sync += left.eq(0)
        with m.Elif(self.busy):
            m.d.sync += [byte.eq(byte[1:]), left.eq(left - 1)]
        with m.If(self.start):
            m.d.sync += [byte.eq(self.data), left.eq(8)]
        return m
