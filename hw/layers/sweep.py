"""The sweep of a layer that keeps a list of the words which a TICK visits."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..parts.events import word_shape
from ..plan import LayerPlan
from .walker import pair_layout


class Sweep(wiring.Component):
    """Gives the pairs of a TICK: the listed words in order, the last one with `end`.

    Where the layer sweeps what was reached (`sweeps_reached`) the list holds the words that events have
    reached since the frame's first step, in that order; if there are none the sweep is one pair, `void`. The
    frame's last sweep empties the list. Elsewhere it is a table of all words that hold neurons.

    From `start` to the first pair 2 clocks, then one a clock while `room`; a pair comes 1 clock after the
    word was asked for. `busy` from the clock after `start` to 3 clocks after the last pair, inclusive: then
    an event may begin its walk. After reset a quiet sweep visits all state words, padding too.

    Members: `start`, `last` (In: a TICK, and whether it is a frame's last), `room` (In), `pair` (Out, payload
    with `pair_valid`), `busy` (Out); where the layer sweeps what was reached `fresh`, `fresh_word` (In: this
    word is to be listed; it may be swept in the clock after the next).
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        members = {
            "start": In(1),
            "last": In(1),
            "room": In(1),
            "pair": Out(pair_layout(plan)),
            "pair_valid": Out(1),
            "busy": Out(1),
        }
        if plan.sweeps_reached:
            members |= {"fresh": In(1), "fresh_word": In(word_shape(plan.words))}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        plan, words = self._plan, list(self._plan.sweep)
        depth = max(len(words), 2)
        init = [] if plan.sweeps_reached else words + words[:1] * (depth - len(words))
        m.submodules.words = listed = Memory(shape=word_shape(plan.words), depth=depth, init=init)
        read = listed.read_port()

        running, quiet, last = Signal(init=1), Signal(init=1), Signal(init=1)
        index = Signal(range(max(plan.words, 2)))
        # The index of the last entry; at first that of the last state word.
        top = Signal.like(index, init=plan.words - 1)
        # Whether `index` is at the last entry: a register, for all that ends waits for it.
        final = Signal(init=plan.words == 1)
        advance, ends = Signal(), Signal()
        m.d.comb += [
            advance.eq(running & self.room),
            ends.eq(advance & final),
            read.addr.eq(index),
        ]
        with m.If(self.start):
            m.d.sync += [running.eq(1), last.eq(self.last)]
        with m.Elif(advance):
            m.d.sync += [index.eq(index + 1), final.eq(index + 1 == top)]
            with m.If(final):
                m.d.sync += [running.eq(0), index.eq(0)]

        # The word comes a clock later; the pair stands until the next one.
        asked, fetched = Signal.like(index, reset_less=True), Signal()
        end, silent, over = Signal(reset_less=True), Signal(reset_less=True), Signal(3)
        empty = self._listing(m, listed, top, final, ends, last) if plan.sweeps_reached else None
        if empty is None:
            with m.If(ends):
                m.d.sync += [top.eq(len(words) - 1), final.eq(len(words) == 1)]
        m.d.sync += [
            asked.eq(index),
            fetched.eq(advance),
            end.eq(final),
            over.eq((fetched & end) | over << 1),
        ]
        busy = Signal(init=1)
        with m.If(self.start):
            m.d.sync += busy.eq(1)
        with m.Elif(over[-1]):
            m.d.sync += [busy.eq(0), quiet.eq(0)]
        m.d.comb += [
            self.busy.eq(busy),
            self.pair_valid.eq(fetched),
            self.pair.word.eq(Mux(quiet, asked, read.data)),
            self.pair.tick.eq(1),
            self.pair.last.eq(last),
            self.pair.quiet.eq(quiet),
            self.pair.end.eq(end),
        ]
        if empty is not None:
            m.d.sync += silent.eq(empty & ~quiet)
            m.d.comb += self.pair.void.eq(silent)
        return m

    def _listing(self, m: Module, listed: Memory, top: Signal, final: Signal, ends: Value, last: Value):
        """Append what is `fresh` to the list, which no sweep goes through then; returns whether it is empty.

        Where a sweep `ends` its index is at the first entry again: the last one if it is the only one.
        """
        write = listed.write_port()
        empty, single, following = Signal(init=1), Signal(), Signal.like(top)
        m.d.comb += [
            write.addr.eq(following),
            write.data.eq(self.fresh_word),
            write.en.eq(self.fresh),
        ]
        with m.If(ends):
            m.d.sync += final.eq(empty | single | last)
            with m.If(last):
                m.d.sync += [empty.eq(1), top.eq(0), following.eq(0)]
        with m.Elif(self.fresh):
            m.d.sync += [final.eq(empty), single.eq(empty), empty.eq(0)]
            m.d.sync += [top.eq(following), following.eq(following + 1)]
        return empty
