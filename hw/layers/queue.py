"""The queue of spike words between a layer and its consumer, with room counted in steps."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..parts.events import mask_layout

# Steps that may be in the queue or on their way to it: one being read while one is written.
STEPS_IN_FLIGHT = 2


def index_bits(words: int) -> int:
    """Bits that number the words of the steps in flight; the memory holds 2 to their power."""
    return (STEPS_IN_FLIGHT * words - 1).bit_length()


class MaskQueue(wiring.Component):
    """Holds the spike words of up to two steps.

    The writer has no back-pressure word by word: it asks `room` before it starts a step's sweep
    (`begin`), and a step gives its place back when its last word is taken from `o`. So the queue is
    never full, and needs to know only whether it is empty. Words without spikes are not stored,
    unless they end a step. Latency 3 clocks from `spikes_valid` to `o.valid`; one word per clock.

    Members: `spikes`, `spikes_valid`, `begin` (In), `room` (Out), `o` (Out stream of words).
    """

    def __init__(self, lanes: int, words: int):
        self._layout = mask_layout(lanes, words)
        self._index_bits = index_bits(words)
        super().__init__(
            {
                "spikes": In(self._layout),
                "spikes_valid": In(1),
                "begin": In(1),
                "room": Out(1),
                "o": Out(stream.Signature(self._layout)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        memory = Memory(shape=self._layout, depth=1 << self._index_bits, init=[])
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port()
        # A register between the sweep and the queue: deciding what to store takes most of a clock.
        store = self.spikes.mask.any() | self.spikes.end
        word, word_valid = Signal(self._layout, reset_less=True), Signal()
        m.d.sync += [word.eq(self.spikes), word_valid.eq(self.spikes_valid & store)]

        # Words written and read so far, modulo twice the depth; the count ahead by one is kept too,
        # so that whether a word follows is known without adding.
        written, taken = (Signal(self._index_bits + 1, name=name) for name in ("written", "taken"))
        ahead = Signal(self._index_bits + 1, init=1)
        take = Signal()
        m.d.comb += [
            take.eq(self.o.valid & self.o.ready),
            write.addr.eq(written[: self._index_bits]),
            write.data.eq(word),
            write.en.eq(word_valid),
            read.addr.eq(Mux(take, ahead, taken)[: self._index_bits]),
            self.o.p.eq(read.data),
        ]
        m.d.sync += self.o.valid.eq(Mux(take, ahead != written, taken != written))
        with m.If(word_valid):
            m.d.sync += written.eq(written + 1)
        with m.If(take):
            m.d.sync += [taken.eq(ahead), ahead.eq(ahead + 1)]

        steps = Signal(range(STEPS_IN_FLIGHT + 1))
        release = Signal()
        m.d.comb += [release.eq(take & self.o.p.end), self.room.eq(steps != STEPS_IN_FLIGHT)]
        with m.If(self.begin & ~release):
            m.d.sync += steps.eq(steps + 1)
        with m.Elif(~self.begin & release):
            m.d.sync += steps.eq(steps - 1)
        return m
