"""The queue of spike words between a layer and its consumer, with room counted in steps."""

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..parts.events import mask_layout
from ..parts.memories import style
from ..plan import LayerPlan

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
    unless they end a step or `every` word is to be. Latency 3 clocks from `spikes_valid` to `o.valid`; one
    word per clock.

    Members: `spikes`, `spikes_valid`, `begin` (In), `room` (Out), `o` (Out stream of words).
    """

    def __init__(
        self, lanes: int, words: int, attributes: dict[str, str] | None = None, *, every: bool = False
    ):
        self._every = every
        self._layout = mask_layout(lanes, words)
        self._attributes = attributes or {}
        self._index_bits = self.index_bits(words)
        super().__init__(
            {
                "spikes": In(self._layout),
                "spikes_valid": In(1),
                "begin": In(1),
                "room": Out(1),
                "o": Out(stream.Signature(self._layout)),
            }
        )

    @staticmethod
    def index_bits(words: int) -> int:
        """Bits that number the words in the memory."""
        return index_bits(words)

    @classmethod
    def attributes(cls, target: str, lanes: int, words: int, short: bool) -> dict[str, str]:
        """Attributes of the memory: a small one lies in flip-flops where the core is short of blocks."""
        bits = mask_layout(lanes, words).size << cls.index_bits(words)
        return style(target, bits, short) if short else {}

    def elaborate(self, platform):
        m = Module()
        memory = Memory(shape=self._layout, depth=1 << self._index_bits, init=[], attrs=self._attributes)
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port()
        # A register between the sweep and the queue: deciding what to store takes most of a clock.
        store = Const(1) if self._every else self.spikes.mask.any() | self.spikes.end
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
        self._watch_room(m, word_valid, take)
        return m

    def _watch_room(self, m: Module, write: Value, take: Value) -> None:
        """Drive `room`, from whether a word is written and whether one is taken."""
        steps = Signal(range(STEPS_IN_FLIGHT + 1))
        release = Signal()
        m.d.comb += [release.eq(take & self.o.p.end), self.room.eq(steps != STEPS_IN_FLIGHT)]
        with m.If(self.begin & ~release):
            m.d.sync += steps.eq(steps + 1)
        with m.Elif(~self.begin & release):
            m.d.sync += steps.eq(steps - 1)


# Spike words that a sweep may still send once it is told that there is no more room.
WORDS_UNDER_WAY = 10
# Words that one block of RAM of an iCE40 holds: a longer queue would take twice as many of them.
_MOST_WORDS = 256


class WordQueue(MaskQueue):
    """A MaskQueue with room counted in words: a sweep pauses, word by word, while few are free.

    Latency and throughput as of MaskQueue. `room` falls 2 clocks after the word was written that leaves fewer
    than WORDS_UNDER_WAY free. `begin` means nothing.

    Members: those of MaskQueue.
    """

    @staticmethod
    def index_bits(words: int) -> int:
        """Two steps, but 32 words at least and 256 at most."""
        return (min(max(STEPS_IN_FLIGHT * words, 32), _MOST_WORDS) - 1).bit_length()

    @classmethod
    def limit(cls, words: int) -> int:
        """The most words that may be inside when another one is asked for."""
        return (1 << cls.index_bits(words)) - WORDS_UNDER_WAY

    def _watch_room(self, m: Module, write: Value, take: Value) -> None:
        inside = Signal(self._index_bits + 1)
        room = Signal(init=1)
        with m.If(write & ~take):
            m.d.sync += inside.eq(inside + 1)
        with m.Elif(~write & take):
            m.d.sync += inside.eq(inside - 1)
        m.d.sync += room.eq(inside <= (1 << self._index_bits) - WORDS_UNDER_WAY)
        m.d.comb += self.room.eq(room)


def queue_kind(plan: LayerPlan) -> type[MaskQueue]:
    """The queue behind a layer."""
    return WordQueue if plan.listed else MaskQueue
