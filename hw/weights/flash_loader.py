"""Reads the weight image from an SPI flash, at power-up and whenever it is asked to."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...numerics.errors import out_of_range
from ..parts.events import AXIS

WAKE_UP = 0xAB  # release from power-down: harmless to a flash that is awake
READ = 0x03
COMMAND_BITS = 32  # READ and 24 bits of address


class FlashLoader(wiring.Component):
    """Sends `words` little-endian words of 16 bits, from byte `offset` of an SPI flash on, to `o`.

    SPI mode 0: `sck` rests low, data change at its falling and are taken at its rising edge, highest bit of
    each byte first. A bit takes `divider` clocks, half of them (rounded up) with `sck` low. After reset,
    and after `start`, it sends WAKE_UP, leaves the flash unselected for `wake_clocks`, then reads the words
    in one READ. If a word is not taken in time, `sck` waits. So without pauses from `o` a run takes
    (8 + 32 + 16 * words) * divider + wake_clocks clocks and a few more.

    A `start` while it runs is remembered. Nothing is checked here: see hw/weights/image.py.

    Members: `o` (Out stream of words and `last`), `start` (In), `busy` (Out), `cs_n`, `sck`, `mosi` (Out),
    `miso` (In, taken as it is: its path from `sck` and back must be shorter than half a bit).
    """

    def __init__(self, words: int, *, offset: int, divider: int = 4, wake_clocks: int = 2000):
        check_reach(words, offset, divider)
        self._words, self._offset, self._divider, self._wake = words, offset, divider, max(wake_clocks, 1)
        super().__init__(
            {
                "o": Out(stream.Signature(AXIS)),
                "start": In(1),
                "busy": Out(1),
                "cs_n": Out(1, init=1),
                "sck": Out(1),
                "mosi": Out(1),
                "miso": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        pending = Signal(init=1)
        with m.If(self.start):
            m.d.sync += pending.eq(1)

        # A bit: `sck` low, then high; `miso` is taken with the rising edge.
        running, phase = Signal(), Signal(range(self._divider))
        rise, fall = Signal(), Signal()
        low = (self._divider + 1) // 2
        full = Signal()  # a word waits in `o` and the next one is complete but for its last bit
        m.d.comb += [
            rise.eq(running & (phase == low - 1) & ~full),
            fall.eq(running & (phase == self._divider - 1)),
        ]
        with m.If(running & ~((phase == low - 1) & full)):
            m.d.sync += phase.eq(Mux(fall, 0, phase + 1))
        with m.If(rise):
            m.d.sync += self.sck.eq(1)
        with m.If(fall):
            m.d.sync += self.sck.eq(0)

        out, into = Signal(COMMAND_BITS), Signal(16)
        left = Signal(range(COMMAND_BITS))  # bits of a command, or of a word, after this one
        word = Signal(range(self._words))
        # Counts up to its highest bit: nothing has to be compared.
        wait_bits = self._wake.bit_length()
        wait = Signal(wait_bits + 1)
        m.d.comb += self.mosi.eq(out[-1])
        with m.If(fall):
            m.d.sync += [out.eq(out << 1), left.eq(left - 1)]
        with m.If(rise):
            m.d.sync += into.eq(Cat(self.miso, into[:-1]))
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        with m.FSM():
            with m.State("REST"):
                m.d.sync += [
                    self.busy.eq(pending),
                    out.eq(WAKE_UP << 24),
                    left.eq(7),
                    wait.eq((1 << wait_bits) - self._wake),
                ]
                with m.If(pending & ~self.o.valid):
                    m.d.sync += [pending.eq(self.start), self.cs_n.eq(0), running.eq(1)]
                    m.next = "WAKE UP"
            with m.State("WAKE UP"), m.If(fall & (left == 0)):
                m.d.sync += [running.eq(0), self.cs_n.eq(1)]
                m.next = "WAIT"
            with m.State("WAIT"):
                m.d.sync += [wait.eq(wait + 1), word.eq(0), left.eq(COMMAND_BITS - 1)]
                m.d.sync += out.eq(Const(READ << 24 | self._offset, COMMAND_BITS))
                with m.If(wait[-1]):
                    m.d.sync += [self.cs_n.eq(0), running.eq(1)]
                    m.next = "COMMAND"
            with m.State("COMMAND"), m.If(fall & (left == 0)):
                m.d.sync += left.eq(15)
                m.next = "READ"
            with m.State("READ"):
                m.d.comb += full.eq((left == 0) & self.o.valid & ~self.o.ready)
                with m.If(fall & (left == 0)):
                    # Bytes come in ascending order, the lower half of a word first.
                    m.d.sync += [
                        self.o.p.data.eq(Cat(into[8:], into[:8])),
                        self.o.p.last.eq(word == self._words - 1),
                        self.o.valid.eq(1),
                        word.eq(word + 1),
                        left.eq(15),
                    ]
                    with m.If(word == self._words - 1):
                        m.d.sync += [running.eq(0), self.cs_n.eq(1)]
                        m.next = "REST"
        return m


def check_reach(words: int, offset: int, divider: int) -> None:
    """Raise TwinspikeError for parameters of a FlashLoader that it cannot have."""
    if not 1 <= words < 1 << 23:
        raise out_of_range("flash words", words, "1..8388607, what a 24-bit address reaches")
    if not 0 <= offset <= (1 << 24) - 2 * words:
        raise out_of_range("flash offset", offset, f"0..{(1 << 24) - 2 * words}")
    if not 2 <= divider <= 256:
        raise out_of_range("flash divider", divider, "2..256 clocks per bit")
