"""UART, 8N1: bytes to bits and back, with a baud rate that need not divide the clock."""

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ..numerics.errors import TwinspikeError, out_of_range

# A byte is sampled well if its last bit is off by less than half a bit: of the 5% that this allows over
# 9.5 bits, this much is granted to the divider, the rest to both crystals and to sampling.
MOST_ERROR = 0.002
LEAST_CLOCKS = 4  # of a bit


class Rate:
    """`step / 2^bits` bits a clock: the accumulator that comes close enough to `baud` with fewest bits.

    Raises TwinspikeError if the clock is slower than LEAST_CLOCKS a bit.
    """

    def __init__(self, clock_hz: float, baud: int):
        if not 1 <= baud <= clock_hz / LEAST_CLOCKS:
            allowed = (
                f"1..{int(clock_hz / LEAST_CLOCKS)} at {clock_hz / 1e6:g} MHz ({LEAST_CLOCKS} clocks a bit)"
            )
            raise out_of_range("baud", baud, allowed)
        wanted = baud / clock_hz
        for bits in range(2, 33):
            self.bits, self.step = bits, round(wanted * (1 << bits))
            self.error = self.step / (1 << bits) / wanted - 1
            if self.step and abs(self.error) <= MOST_ERROR:
                return
        raise TwinspikeError(f"baud = {baud}: no divider of {clock_hz / 1e6:g} MHz comes close")


class UartReceiver(wiring.Component):
    """Samples each bit once, in its middle.

    A byte appears in the middle of its stop bit; `broken` is high for a clock in its place where the line
    is low there. Nothing waits: the sink must be quicker than the line (LEAST_CLOCKS * 10 clocks a byte).

    Members: `rx` (In, asynchronous), `data` (Out 8), `valid` (Out, for a clock), `broken` (Out).
    """

    def __init__(self, rate: Rate):
        self._rate = rate
        super().__init__({"rx": In(1, init=1), "data": Out(8), "valid": Out(1), "broken": Out(1)})

    def elaborate(self, platform):
        m = Module()
        rx = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx, rx, init=1)
        rate = self._rate
        phase, middle = Signal(rate.bits), Signal()
        bit = Signal(range(10))  # how many have been sampled
        shift = Signal(9, reset_less=True)
        busy, before = Signal(), Signal()
        m.d.sync += before.eq(rx)
        m.d.sync += [self.valid.eq(0), self.broken.eq(0)]
        m.d.comb += self.data.eq(shift[:8])
        with m.If(busy):
            m.d.sync += Cat(phase, middle).eq(phase + rate.step)
        with m.Else():
            # On average the line fell 1.5 clocks before the level that is now to be sampled first, and a
            # sample comes half a clock after its time: the middle is half a bit less 2 clocks away.
            head_start = (1 << rate.bits - 1) + 2 * rate.step
            m.d.sync += [phase.eq(min(head_start, (1 << rate.bits) - 1)), middle.eq(0), bit.eq(0)]
            with m.If(~rx & before):
                m.d.sync += busy.eq(1)
        with m.If(busy & middle):
            m.d.sync += [bit.eq(bit + 1), shift.eq(Cat(shift[1:], rx))]
            with m.If((bit == 0) & rx):
                m.d.sync += busy.eq(0)  # a glitch, no start bit
            with m.If(bit == 9):
                m.d.sync += [busy.eq(0), self.valid.eq(rx), self.broken.eq(~rx)]
        return m


class UartTransmitter(wiring.Component):
    """Sends a byte in 10 bits; the next one follows without a pause if it is there in time.

    Members: `i` (In stream of bytes), `tx` (Out, idle high).
    """

    def __init__(self, rate: Rate):
        self._rate = rate
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        rate = self._rate
        phase, next_bit = Signal(rate.bits), Signal()
        shift, left = Signal(10, init=0x3FF), Signal(range(11))
        m.d.comb += self.i.ready.eq(left == 0)
        m.d.sync += [Cat(phase, next_bit).eq(phase + rate.step), self.tx.eq(shift[0])]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [shift.eq(Cat(C(0, 1), self.i.payload, C(1, 1))), left.eq(10)]
            m.d.sync += [phase.eq(rate.step), next_bit.eq(0)]  # this clock is the bit's first
        with m.Elif(next_bit & ~self.i.ready):
            m.d.sync += [shift.eq(Cat(shift[1:], 1)), left.eq(left - 1)]
        return m
