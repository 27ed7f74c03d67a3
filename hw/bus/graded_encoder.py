"""Raw 8-bit pixels to the event words of the graded encoder, on the chip."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ...numerics.encodings import Graded
from ...numerics.events import TICK
from ...numerics.values import VALUE
from ...quant.network import Network
from ..parts.events import AXIS
from ..parts.memories import quick
from ..parts.skid import Skid
from .pixel_encoder import PIXEL, PixelEncoder


class GradedEncoder(wiring.Component):
    """Takes frames of n pixels; sends the addresses of those that count, in order, and T TICKs.

    A frame's multiplicities x >> (8 - bits) lie in a memory until its n-th pixel has come. Then each is read
    once: a pixel of 0 is passed over; one that counts otherwise than the one before it gets a VALUE word.

    Throughput one pixel per clock, up to the n-th; none while a frame is sent. Clocks, v(i) = 1 where pixel i
    has a VALUE word before it, the n-th pixel being taken in clock 0:

        seen(0) = 2;  seen(i) = seen(i - 1) + 1 + v(i - 1)
        the words of pixel i at `o` from seen(i) + 1 on, one per clock; T TICKs from seen(n) + 1 on; pixels
                   again from the clock after the last word on

    Members: those of PixelEncoder, which says what becomes of a frame of another length.
    """

    def __init__(self, network: Network, target: str = ""):
        if not isinstance(network.encoder, Graded):
            raise TypeError(f"{network.encoder} is not graded: pixel_encoder knows which encoder is whose")
        self._pixels, self._timesteps, self._bits = network.inputs, network.timesteps, network.encoder.bits
        self._target = target
        super().__init__(
            {
                "i": In(stream.Signature(PIXEL)),
                "o": Out(stream.Signature(AXIS)),
                "space": Out(range(network.inputs + 1), init=network.inputs),
                "busy": Out(1),
                "stray": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        n, bits = self._pixels, self._bits
        depth = max(n, 2)
        attrs = quick(self._target, depth * bits)
        m.submodules.counts = counts = Memory(shape=bits, depth=depth, init=[], attrs=attrs)
        m.submodules.words = words = Skid(AXIS)
        write, read = counts.write_port(), counts.read_port()
        wiring.connect(m, words.o, wiring.flipped(self.o))
        whole, sent = Signal(), Signal()
        self._fill(m, write, whole, sent)

        # A pixel is read in one clock and seen from the next one on, until its words have gone.
        scanning, here, ticks = Signal(), Signal(), Signal()
        at, seen_at = Signal(range(depth)), Signal(range(depth))
        step, times = Signal(range(max(self._timesteps, 2))), Signal(bits, init=1)
        count, differs, go, last = read.data, Signal(), Signal(), Signal()
        m.d.comb += [
            differs.eq(count != times),
            go.eq(~here | ~count.any() | words.i.ready & ~differs),
            read.addr.eq(at),
            read.en.eq(go),
            last.eq(ticks & (step == self._timesteps - 1)),
            words.i.valid.eq(ticks | here & count.any()),
            words.i.p.data.eq(Mux(ticks, TICK, Mux(differs, VALUE | count, seen_at))),
            words.i.p.last.eq(last),
            sent.eq(self.o.valid & self.o.ready & self.o.p.last),
        ]
        with m.If(whole):
            m.d.sync += [scanning.eq(1), at.eq(0), times.eq(1), step.eq(0)]
        with m.If(here & count.any() & words.i.ready):
            m.d.sync += times.eq(count)
        with m.If(go & ~whole):
            m.d.sync += [here.eq(scanning), seen_at.eq(at), at.eq(at + 1)]
            with m.If(scanning & (at == n - 1)):
                m.d.sync += scanning.eq(0)
            with m.If(here & (seen_at == n - 1)):
                m.d.sync += ticks.eq(1)
        with m.If(ticks & words.i.ready):
            m.d.sync += [step.eq(step + 1), ticks.eq(~last)]
        return m

    def _fill(self, m: Module, write, whole: Signal, sent: Signal) -> None:
        """Write pixels as they come; `whole`: the frame is there. Another may come once it was `sent`."""
        filling, dropping = Signal(init=1), Signal()
        taken, final = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(filling),
            taken.eq(self.i.valid & filling),
            final.eq(self.space == 1),
            whole.eq(taken & final & self.i.p.last & ~dropping),
            self.busy.eq(~filling),
            write.data.eq(self.i.p.pixel[8 - self._bits :]),
            write.en.eq(taken),
        ]
        place = Signal(range(max(self._pixels, 2)))
        m.d.comb += write.addr.eq(place)
        m.d.sync += self.stray.eq(0)
        with m.If(taken):
            m.d.sync += [self.space.eq(self.space - 1), place.eq(place + 1)]
            with m.If(self.i.p.last | final):
                m.d.sync += [self.space.eq(self._pixels), place.eq(0)]
                m.d.sync += [dropping.eq(~self.i.p.last), self.stray.eq((self.i.p.last ^ final) & ~dropping)]
            with m.If(whole):
                m.d.sync += [filling.eq(0), self.space.eq(0)]
        with m.If(sent):
            m.d.sync += [filling.eq(1), self.space.eq(self._pixels)]


def pixel_encoder(network: Network, target: str = "") -> PixelEncoder | GradedEncoder:
    """The encoder on the chip for a network's encoding; hw/plan/pixel_encodings.py lists those there are."""
    kind = GradedEncoder if isinstance(network.encoder, Graded) else PixelEncoder
    return kind(network, target)
