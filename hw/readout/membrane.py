"""Membrane readout: the output neuron whose membrane, summed over a frame's steps, is largest."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ...numerics.emd import NO_RUNNER_UP
from ..parts.events import event_layout, mask_layout
from ..parts.memories import style
from ..plan import CorePlan
from .ranking import Ranking
from .result import RESULT


class MembraneReadout(wiring.Component):
    """Adds up what the membranes of the last layer lack to the highest one; the least sum wins.

    That sum is the neuron's distance, so the largest sum of membranes has the least; a tie goes to the lower
    index. W words of P lanes come for each step, N neurons in all. A word is taken 3 clocks after the one
    before, 4 after a step's last one, which sends a TICK 3 clocks after it was taken; after a frame's last
    word N + 2 W + 6 clocks later, once the result is gone. The result comes N + 2 W + 5 clocks after that
    word was taken: each word is fetched in 2 clocks, and its lanes are compared one per clock.

    Members: `i` (In stream of words, `mask` holding `lacks` of Neurons), `events` (Out stream: a TICK for
    each step and never a spike), `o` (Out stream of RESULT: the winner's index and distance, the second least
    distance, all ones if there is one output neuron, and distance <= verify threshold).
    """

    def __init__(self, plan: CorePlan):
        self._plan, self._layer = plan, plan.layers[-1]
        layer = self._layer
        self._bits = layer.layer.spec.state_bits
        super().__init__(
            {
                "i": In(stream.Signature(mask_layout(layer.queued_bits, layer.words))),
                "events": Out(stream.Signature(event_layout(layer.neurons))),
                "o": Out(stream.Signature(RESULT)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan, layer, bits = self._plan, self._layer, self._plan.distance_bits
        lanes, words, neurons = layer.lanes, layer.words, layer.neurons
        row, depth = data.ArrayLayout(unsigned(bits), lanes), max(words, 2)
        attrs = style(plan.target, bits * lanes * depth, plan.short_of_blocks)
        m.submodules.sums = sums = Memory(shape=row, depth=depth, init=[], attrs=attrs)
        read, write = sums.read_port(), sums.write_port()
        m.submodules.ranking = ranking = Ranking(bits, neurons)

        # A step's word: read, added to, written.
        clearing, idle, adding, writing = Signal(init=1), Signal(), Signal(), Signal()
        taken, word, total = Signal(), Signal.like(self.i.p, reset_less=True), Signal(row, reset_less=True)
        m.d.comb += [
            self.i.ready.eq(idle & ~self.events.valid),
            taken.eq(self.i.valid & self.i.ready),
            read.addr.eq(self.i.p.word),
        ]
        m.d.sync += [adding.eq(taken), writing.eq(adding)]
        for lane in range(lanes):
            lack = word.mask[lane * self._bits : (lane + 1) * self._bits]
            m.d.sync += total[lane].eq(read.data[lane] + lack)
        with m.If(taken):
            m.d.sync += [word.eq(self.i.p), idle.eq(0)]
        with m.If(writing):
            m.d.comb += [write.addr.eq(word.word), write.data.eq(total), write.en.eq(1)]

        # Behind a step's last word a TICK; behind a frame's the comparison, else the next word.
        final = word.end & word.last
        m.d.comb += [self.events.p.tick.eq(1), ranking.start.eq(writing & final)]
        with m.If(writing):
            m.d.sync += [idle.eq(~final), self.events.valid.eq(word.end), self.events.p.last.eq(word.last)]
        with m.Elif(self.events.ready):
            m.d.sync += self.events.valid.eq(0)

        # The comparison takes word after word; what was read is cleared, as all is after a reset.
        fetching, loading, left = Signal(), Signal(), Signal(range(lanes + 1))
        at, index, present = Signal(range(depth)), Signal.like(ranking.index), Signal(row, reset_less=True)
        over = Signal(2)
        m.d.sync += [loading.eq(fetching), over.eq(over << 1)]
        with m.If(writing & final):
            m.d.sync += fetching.eq(1)
        with m.If(fetching):
            m.d.comb += read.addr.eq(at)
            m.d.sync += fetching.eq(0)
        with m.If(loading):
            m.d.comb += [write.addr.eq(at), write.data.eq(0), write.en.eq(1)]
            m.d.sync += [
                present.eq(read.data),
                left.eq(Mux(at == words - 1, neurons - (words - 1) * lanes, lanes)),
            ]
        m.d.comb += [
            ranking.valid.eq(left != 0),
            ranking.distance.eq(present[0]),
            ranking.index.eq(index),
        ]
        with m.If(left != 0):
            flat = present.as_value()
            m.d.sync += [flat.eq(Cat(flat[bits:], Const(0, bits))), left.eq(left - 1), index.eq(index + 1)]
            with m.If(left == 1):
                with m.If(at == words - 1):
                    m.d.sync += [at.eq(0), index.eq(0), over[0].eq(1)]
                with m.Else():
                    m.d.sync += [at.eq(at + 1), fetching.eq(1)]
        with m.If(clearing):
            m.d.comb += [write.addr.eq(at), write.data.eq(0), write.en.eq(1)]
            m.d.sync += at.eq(at + 1)
            with m.If(at == words - 1):
                m.d.sync += [clearing.eq(0), idle.eq(1), at.eq(0)]

        with m.If(over[1]):
            m.d.sync += self.o.valid.eq(1)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [self.o.valid.eq(0), idle.eq(1)]
        m.d.comb += [
            self.o.p.label.eq(ranking.nearest),
            self.o.p.distance.eq(ranking.best),
            self.o.p.runner_up.eq(ranking.second if neurons > 1 else Const(NO_RUNNER_UP, 32)),
            self.o.p.same.eq(ranking.best <= plan.network.verify_threshold),
        ]
        return m
