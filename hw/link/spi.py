"""An SPI peripheral in place of a UART: the same bytes, FLAGs where there is nothing to say."""

from typing import ClassVar

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ...numerics.link import FLAG
from .uart import BYTES

# Of a bit, half of them with `sck` high; `cs_n` is low as long before the first one, and high between.
LEAST_CLOCKS = 6


class SpiLine(wiring.Component):
    """SPI mode 0, highest bit first; all pins are sampled in the core's clock.

    Data out change 2 to 3 clocks after `sck` has risen (and after `cs_n` has fallen), data in are taken
    within a clock after it. A byte of `i` counts as sent from its first bit on; one that was not begun
    when `cs_n` rises is kept. Where `i` has none, FLAG is sent, which means nothing between frames;
    inside a frame `i` must have the next byte 7 bits after it gave the one before.

    Members: `cs_n`, `sck`, `copi` (In, asynchronous), `cipo` (Out), and those of BYTES (see UartLine);
    `broken` is high for a clock where `cs_n` rises inside a byte.
    """

    PINS: ClassVar = {"cs_n": In(1, init=1), "sck": In(1), "copi": In(1), "cipo": Out(1)}

    def __init__(self):
        super().__init__({**self.PINS, **BYTES})

    def elaborate(self, platform):
        m = Module()
        cs_n, sck, copi = Signal(init=1), Signal(), Signal()
        for name, pin, init in (("cs_n", cs_n, 1), ("sck", sck, 0), ("copi", copi, 0)):
            m.submodules[name] = FFSynchronizer(getattr(self, name), pin, init=init)
        selected, high = Signal(), Signal()  # as they were a clock ago
        bit, out = Signal(3), Signal(8, init=FLAG)
        rise, ends, own = Signal(), Signal(), Signal()
        m.d.sync += [
            selected.eq(~cs_n),
            high.eq(sck),
            self.valid.eq(ends),
            self.broken.eq(selected & cs_n & bit.any()),
        ]
        m.d.comb += [
            rise.eq(sck & ~high & ~cs_n),
            ends.eq(rise & (bit == 7)),
            self.i.ready.eq(rise & (bit == 0) & own),
            self.cipo.eq(out[7]),
        ]
        with m.If(rise):
            m.d.sync += [self.data.eq(Cat(copi, self.data[:7])), bit.eq(bit + 1), out.eq(Cat(0, out[:7]))]
        with m.If(cs_n):
            m.d.sync += bit.eq(0)
        with m.If(ends | (~cs_n & ~selected)):
            m.d.sync += [own.eq(self.i.valid), out.eq(Mux(self.i.valid, self.i.payload, FLAG))]
        return m
