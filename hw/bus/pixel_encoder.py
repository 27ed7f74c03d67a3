"""Raw 8-bit pixels to the event words of the network's encoding, on the chip."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ...numerics.encodings import Latency
from ...numerics.events import TICK
from ...quant.network import Network
from ..layers.encoder import Encoder
from ..parts.events import AXIS, mask_layout
from ..parts.memories import quick
from ..plan.pixel_encodings import STEPS

ROW_BITS = 16  # of the code memory: an iCE40 block RAM's widest word

PIXEL = data.StructLayout({"pixel": 8, "last": 1})


class PixelRows:
    """How a network's pixels lie in the code memory: `lanes` of them in each of `words` rows.

    A pixel's code is the step in which it spikes, T if it is silent.
    """

    def __init__(self, network: Network):
        self.network = network
        self.addresses = network.inputs
        self.code_bits = network.timesteps.bit_length()
        self.lanes = min(max(1, ROW_BITS // self.code_bits), self.addresses)
        self.words = -(-self.addresses // self.lanes)


class PixelEncoder(wiring.Component):
    """Takes frames of n pixels and sends the words that the network's encoding makes of them.

    A pixel's step is found as it comes (for `latency` (255 - x) * T >> 8, as in numerics/encodings.py) and
    kept in a memory of P codes per row, R = ceil(n / P) rows. Then T passes over the rows pick each step's
    pixels out, a row per clock; hw/layers/encoder.py makes words of them, ascending, with the step's TICK. So
    a frame of few events takes about n + T * R clocks, one block RAM up to 256 rows, and no sorting.

    Throughput one pixel per clock, up to the n-th; none while a frame is sent. Clocks, row i of all
    T * R having s(i) spikes and e(i) = 1 if it ends a step, the n-th pixel being taken in clock 0:

        shown(0) = 5;  shown(i) = shown(i - 1) + 1, or taken(i - 1) + 1 if row i - 1 was taken
        taken(i) = max(shown(i), taken(j) + s(j) + e(j) + 1), j the row taken before;
                   rows with s(i) + e(i) = 0 are not taken
        words of row i at `o` from taken(i) + 3 on, one per clock; pixels again from the clock after the
        last word on

    `last` goes with a frame's n-th pixel. With another it drops the pixels so far; without it there, all
    pixels up to the next `last` are dropped as well. Either sets `stray` for a clock.

    Members: `i` (In stream of PIXEL), `o` (Out stream of words and `last`), `space` (Out: pixels that the
    frame lacks, 0 while one is sent), `busy` (Out: a frame is sent), `stray` (Out).
    `target` is the device that it is made for, if any.
    """

    def __init__(self, network: Network, target: str = ""):
        self._rows = PixelRows(network)
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
        rows = self._rows
        timesteps, lanes, bits = rows.network.timesteps, rows.lanes, rows.code_bits
        depth = max(rows.words, 2)
        attrs = quick(self._target, depth * lanes * bits)
        m.submodules.codes = codes = Memory(shape=lanes * bits, depth=depth, init=[], attrs=attrs)
        write, read = codes.write_port(), codes.read_port()

        # Pixels in: a code a clock later, a row another clock later.
        filling, dropping = Signal(init=1), Signal()
        taken, final, whole = Signal(), Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(filling),
            taken.eq(self.i.valid & filling),
            final.eq(self.space == 1),
            whole.eq(taken & final & self.i.p.last & ~dropping),
            self.busy.eq(~filling),
        ]
        lane, row = Signal(range(max(lanes, 2))), Signal(range(max(rows.words, 2)))
        code, code_lane, code_row, coded = Signal(bits), Signal.like(lane), Signal.like(row), Signal()
        m.d.sync += [
            self.stray.eq(0),
            coded.eq(taken),
            code.eq(self._code(self.i.p.pixel)),
            code_lane.eq(lane),
            code_row.eq(row),
        ]
        with m.If(taken):
            m.d.sync += [self.space.eq(self.space - 1), lane.eq(lane + 1)]
            with m.If(lane == lanes - 1):
                m.d.sync += [lane.eq(0), row.eq(row + 1)]
            with m.If(self.i.p.last | final):
                m.d.sync += [self.space.eq(rows.addresses), lane.eq(0), row.eq(0)]
                m.d.sync += [dropping.eq(~self.i.p.last), self.stray.eq((self.i.p.last ^ final) & ~dropping)]
            with m.If(whole):
                m.d.sync += [filling.eq(0), self.space.eq(0)]
        gathered, full = Signal(lanes * bits), Signal()
        m.d.sync += full.eq(coded)
        with m.If(coded):
            with m.If(code_lane == 0):
                # Lanes beyond the last pixel stay silent.
                m.d.sync += gathered.eq(Const(timesteps, bits).replicate(lanes))
            m.d.sync += gathered.word_select(code_lane, bits).eq(code)
            m.d.sync += write.addr.eq(code_row)
        m.d.comb += [write.data.eq(gathered), write.en.eq(full)]

        # Rows out: address, codes a clock later, their spikes in this step another clock later.
        m.submodules.encoder = encoder = Encoder(rows)
        spikes = Signal(mask_layout(lanes, rows.words))
        shown, go, scanning = Signal(), Signal(), Signal()
        at, step = Signal(range(max(rows.words, 2))), Signal(range(max(timesteps, 2)))
        here, here_row, here_step = Signal(), Signal.like(at), Signal.like(step)
        mask, ends = Signal(lanes), Signal()
        m.d.comb += [
            go.eq(~shown | encoder.i.ready),
            read.addr.eq(at),
            read.en.eq(go),
            mask.eq(Cat(read.data[bits * lane : bits * (lane + 1)] == here_step for lane in range(lanes))),
            ends.eq(here_row == rows.words - 1),
            encoder.i.p.eq(spikes),
            encoder.i.valid.eq(shown),
        ]
        begin = Signal(2)
        m.d.sync += begin.eq(begin << 1 | whole)
        with m.If(begin[1]):
            m.d.sync += scanning.eq(1)
        with m.If(go):
            m.d.sync += [here.eq(scanning), here_row.eq(at), here_step.eq(step)]
            m.d.sync += shown.eq(here & (mask.any() | ends))
            m.d.sync += [
                spikes.mask.eq(mask),
                spikes.word.eq(here_row),
                spikes.end.eq(ends),
                spikes.last.eq(here_step == timesteps - 1),
            ]
            with m.If(scanning):
                m.d.sync += at.eq(at + 1)
                with m.If(at == rows.words - 1):
                    m.d.sync += [at.eq(0), step.eq(step + 1)]
                    with m.If(step == timesteps - 1):
                        m.d.sync += [step.eq(0), scanning.eq(0)]

        m.d.comb += [
            self.o.p.data.eq(Mux(encoder.o.p.tick, TICK, encoder.o.p.address)),
            self.o.p.last.eq(encoder.o.p.last),
            self.o.valid.eq(encoder.o.valid),
            encoder.o.ready.eq(self.o.ready),
        ]
        with m.If(self.o.valid & self.o.ready & self.o.p.last):
            m.d.sync += [filling.eq(1), self.space.eq(rows.addresses)]
        return m

    def _code(self, pixel: Value) -> Value:
        """The step of a pixel, as the encoding's own `steps` has it."""
        encoding, timesteps = self._rows.network.encoder, self._rows.network.timesteps
        if not isinstance(encoding, STEPS):
            raise TypeError(f"no hardware for {encoding}: make_plan refuses it")
        when = (~pixel)[:8] * timesteps >> 8 if isinstance(encoding, Latency) else Const(0)
        return Mux(pixel >= encoding.threshold, when, timesteps - 1 if encoding.dense else timesteps)
