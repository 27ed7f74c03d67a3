"""UART, 8N1: bytes to bits and back, with a baud rate that need not divide the clock."""

import itertools
from typing import ClassVar

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from ...numerics.errors import out_of_range

LEAST_CLOCKS = 4  # of a bit
BITS = 10  # of a byte: start, data, stop
# Clocks from the line to where a sample is taken, with half a clock for an edge between two clocks.
_DELAY = 1.5


class Rate:
    """How many clocks each bit of a byte takes: the nearest clock for each edge, so errors do not add up.

    Raises TwinspikeError if the clock is slower than LEAST_CLOCKS a bit.
    """

    def __init__(self, clock_hz: float, baud: int):
        if not 1 <= baud <= clock_hz / LEAST_CLOCKS:
            most = f"1..{int(clock_hz / LEAST_CLOCKS)}"
            raise out_of_range(
                "baud", baud, f"{most} at {clock_hz / 1e6:g} MHz ({LEAST_CLOCKS} clocks per bit)"
            )
        self.clocks = clock_hz / baud
        self.edges = [self._near(k * self.clocks) for k in range(BITS + 1)]
        self.middles = [self._near((k + 0.5) * self.clocks - _DELAY) for k in range(BITS)]

    @staticmethod
    def _near(clock: float) -> int:
        return int(clock + 0.5)


def _timer(m: Module, times: list[int], running, first: int):
    """(`now`, index): high for a clock whenever the time to the next of `times` is up, while `running`.

    The first one comes `first` clocks after `running` rises. A fractional accumulator would do as well, but
    its additions of a constant make carry chains that iCE40 cannot hold in one piece.
    """
    gaps = [after - before for before, after in itertools.pairwise(times)]
    least = min(gaps)
    longer = sum((gap > least) << at for at, gap in enumerate(gaps))
    left, index, now = Signal(range(max(*gaps, first + 1))), Signal(range(len(times) + 1)), Signal()
    m.d.comb += now.eq(running & (left == 0))
    with m.If(~running):
        m.d.sync += [left.eq(first), index.eq(0)]
    with m.Elif(left == 0):
        m.d.sync += [
            left.eq(Mux((C(longer, len(times)) >> index)[0], least, least - 1)),
            index.eq(index + 1),
        ]
    with m.Else():
        m.d.sync += left.eq(left - 1)
    return now, index


# What the link sees of a line, whatever its pins are.
BYTES = {"data": Out(8), "valid": Out(1), "broken": Out(1), "i": In(stream.Signature(8))}


class UartReceiver(wiring.Component):
    """Samples each bit once, in its middle.

    A byte appears in the middle of its stop bit; `broken` is high for a clock in its place where the line
    is low there. Nothing waits: the sink must be quicker than the line (LEAST_CLOCKS * BITS clocks a byte).

    Members: `rx` (In, asynchronous), `data` (Out 8), `valid` (Out, for a clock), `broken` (Out).
    """

    def __init__(self, rate: Rate):
        self._rate = rate
        super().__init__({"rx": In(1, init=1), "data": Out(8), "valid": Out(1), "broken": Out(1)})

    def elaborate(self, platform):
        m = Module()
        rx, before, busy = Signal(init=1), Signal(), Signal()
        m.submodules.synchroniser = FFSynchronizer(self.rx, rx, init=1)
        now, bit = _timer(m, self._rate.middles, busy, self._rate.middles[0])
        shift = Signal(BITS - 1, reset_less=True)
        m.d.comb += self.data.eq(shift[:8])
        m.d.sync += [before.eq(rx), self.valid.eq(0), self.broken.eq(0)]
        with m.If(~busy):
            m.d.sync += busy.eq(~rx & before)
        with m.Elif(now):
            m.d.sync += shift.eq(Cat(shift[1:], rx))
            with m.If((bit == 0) & rx):
                m.d.sync += busy.eq(0)  # a glitch, no start bit
            with m.If(bit == BITS - 1):
                m.d.sync += [busy.eq(0), self.valid.eq(rx), self.broken.eq(~rx)]
        return m


class UartTransmitter(wiring.Component):
    """Sends a byte in 10 bits; the next one follows a clock later if it is there in time.

    Members: `i` (In stream of bytes), `tx` (Out, idle high).
    """

    def __init__(self, rate: Rate):
        self._rate = rate
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        shift, busy = Signal(BITS, init=-1), Signal()
        now, bit = _timer(m, self._rate.edges[1:], busy, self._rate.edges[1] - 1)
        m.d.comb += self.i.ready.eq(~busy)
        m.d.sync += self.tx.eq(shift[0])
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [shift.eq(Cat(C(0, 1), self.i.payload, C(1, 1))), busy.eq(1)]
        with m.If(now):
            m.d.sync += [shift.eq(Cat(shift[1:], 1)), busy.eq(bit != BITS - 1)]
        return m


class UartLine(wiring.Component):
    """Receiver and transmitter of a serial line.

    Members: `rx` (In, asynchronous), `tx` (Out), and those of BYTES: `data`, `valid` and `broken` as of
    UartReceiver, `i` as of UartTransmitter.
    """

    PINS: ClassVar = {"rx": In(1, init=1), "tx": Out(1, init=1)}

    def __init__(self, rate: Rate):
        self._rate = rate
        super().__init__({**self.PINS, **BYTES})

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(self._rate)
        m.submodules.transmitter = transmitter = UartTransmitter(self._rate)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        m.d.comb += [getattr(self, name).eq(getattr(receiver, name)) for name in ("data", "valid", "broken")]
        wiring.connect(m, wiring.flipped(self.i), transmitter.i)
        return m
