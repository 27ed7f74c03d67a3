"""EMD readout: distances to K stored references, the nearest one's label, same or different."""

from itertools import pairwise

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...numerics.emd import NO_RUNNER_UP
from ..parts.events import event_layout
from ..plan import CorePlan
from .neuron_counts import neuron_counts
from .ranking import Ranking
from .references import FixedReferences
from .result import RESULT


class Readout(wiring.Component):
    """Sums |C_n(t) - R_k(t, n)| over neurons n and steps t for all K references R_k side by side.

    That sum is one over spikes: the i-th spike of neuron n, with r steps left (its own among them), is |r -
    s_k| away from the i-th of the reference, with s_k left; one that is not there has 0 left. So a frame's
    distances begin with all s_k of a reference, and a spike adds |r - s_k| - s_k = 2 max(r - s_k, 0) - r.
    The sum of r is the same for all references: it is taken off at the end.

    Takes an event per clock. From a frame's last TICK taken to `o.valid`: K + 7 clocks; the next frame's
    events are taken max(N + 1, K + 6) clocks after that TICK, once the counts of N neurons are cleared and,
    later where the record of the frame before has not left, the distances ranked. After reset N clocks.

    Members: `i` (In stream of the last layer's events), `o` (Out stream of RESULT: the nearest
    reference's distance and label, ties to the lower index, the second nearest's distance, all ones
    if there is none, and whether distance <= threshold, the reference's own or, where it has none, the
    network's). References that change at run time have a readout of their own: hw/readout/enrolled.py.
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(event_layout(plan.layers[-1].neurons))),
                "o": Out(stream.Signature(RESULT)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan, neurons = self._plan, self._plan.layers[-1].neurons
        m.submodules.references = references = FixedReferences(plan)

        # After a frame's last TICK: the counts are cleared, meanwhile the distances settle and are ranked.
        clearing, judging, listening = Signal(init=1), Signal(), Signal()
        cleared, judged = Signal(), Signal()
        neuron = Signal(range(max(neurons, 2)))
        taken, ends = Signal(), Signal()
        m.d.comb += [
            cleared.eq(~clearing | (neuron == neurons - 1)),
            # A register, not a term of what it follows: the way back to the last layer's queue is long.
            self.i.ready.eq(listening),
            taken.eq(self.i.valid & self.i.ready),
            ends.eq(taken & self.i.p.tick & self.i.p.last),
        ]
        with m.If(clearing):
            m.d.sync += neuron.eq(neuron + 1)
            with m.If(cleared):
                m.d.sync += [clearing.eq(0), neuron.eq(0)]
        closing = Signal(2)
        m.d.sync += closing.eq(Cat(ends, closing.any()))
        start, ranking, ranked, chosen = Signal(), Signal(), Signal(), Signal()
        k = Signal(range(max(plan.references, 2)))
        m.d.comb += [
            # The record of the frame before must have left.
            start.eq(closing[1] & ~self.o.valid),
            ranked.eq(ranking & (k == plan.references - 1)),
        ]
        with m.If(ends):
            m.d.sync += [clearing.eq(1), judging.eq(1), listening.eq(0)]
        with m.Elif(cleared & judged):
            m.d.sync += listening.eq(1)
        with m.If(start):
            m.d.sync += [closing.eq(0), ranking.eq(1)]
        with m.If(ranking):
            m.d.sync += k.eq(k + 1)
        with m.If(ranked):
            m.d.sync += [k.eq(0), ranking.eq(0)]

        sums, spent = self._accumulate(m, references, clearing, neuron, taken, chosen)
        m.submodules.rank = rank = Ranking(plan.distance_bits, plan.references)
        # One clock to choose a sum, one for what is taken off: together they would bound the frequency.
        total, distance = (Signal(plan.distance_bits, reset_less=True) for _ in range(2))
        order, index = (Signal.like(k, reset_less=True) for _ in range(2))
        choosing, presented = Signal(), Signal()
        # The last distance is settled 2 clocks after it was presented.
        settling = Signal(3)
        m.d.sync += [
            total.eq(Array(sums)[k]),
            order.eq(k),
            choosing.eq(ranking),
            chosen.eq(ranked),
            distance.eq(total - spent),
            index.eq(order),
            presented.eq(choosing),
            settling.eq(Cat(chosen, settling[:2])),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        # Not before: the next frame's ranking may not begin before this one's record is out.
        m.d.comb += judged.eq(~judging | settling[1])
        with m.If(settling[1]):
            m.d.sync += judging.eq(0)
        with m.If(settling[2]):
            m.d.sync += self.o.valid.eq(1)
        own = plan.network.references.threshold is not None
        usual = min(plan.network.verify_threshold, (1 << plan.distance_bits) - 1)
        m.d.comb += [
            rank.start.eq(start),
            rank.valid.eq(presented),
            rank.distance.eq(distance),
            rank.index.eq(index),
            references.nearest.eq(rank.nearest),
            self.o.p.label.eq(references.label),
            self.o.p.distance.eq(rank.best),
            self.o.p.runner_up.eq(rank.second if plan.references > 1 else NO_RUNNER_UP),
            self.o.p.same.eq(rank.best <= (references.threshold if own else usual)),
            self.o.p.own.eq(own),
        ]
        return m

    def _accumulate(self, m, references, clearing, neuron, taken, clear):
        """Each reference's sum and what is to be taken off all of them, modulo 2^distance_bits.

        A spike's address in clock 0, its count 1, differences 2, sums 3.
        """
        plan = self._plan
        timesteps = plan.network.timesteps
        m.submodules.cumulative = counts = neuron_counts(plan)
        count_read, count_write = counts.read_port(), counts.write_port()
        address = Signal.like(self.i.p.address, reset_less=True)
        spike = [Signal(name=f"spike_{c}") for c in (1, 2, 3)]
        left = [Signal(plan.count_bits, init=timesteps, name="left")]
        left += [Signal(plan.count_bits, name=f"left_{c}", reset_less=True) for c in (1, 2)]
        spent = Signal(plan.distance_bits)
        m.d.sync += [
            address.eq(self.i.p.address),
            spike[0].eq(taken & ~self.i.p.tick),
            *(later.eq(now) for signals in (spike, left) for now, later in pairwise(signals)),
        ]
        with m.If(taken & self.i.p.tick):
            m.d.sync += left[0].eq(Mux(self.i.p.last, timesteps, left[0] - 1))
        m.d.comb += [
            count_read.addr.eq(self.i.p.address),
            references.row.eq(Cat(address, count_read.data)),
            count_write.addr.eq(Mux(clearing, neuron, address)),
            count_write.data.eq(Mux(clearing, 0, count_read.data + 1)),
            count_write.en.eq(clearing | spike[0]),
        ]
        with m.If(clear):
            m.d.sync += spent.eq(0)
        with m.Elif(spike[0]):
            m.d.sync += spent.eq(spent + left[1])

        sums = []
        for k, begin in enumerate(plan.reference_left().sum(axis=0).tolist()):
            difference = Signal(signed(plan.count_bits + 1), name=f"difference_{k}", reset_less=True)
            total = Signal(plan.distance_bits, init=begin, name=f"sum_{k}")
            m.d.sync += difference.eq(left[2] - references.left[k])
            with m.If(clear):
                m.d.sync += total.eq(begin)
            with m.Elif(spike[2] & ~difference[-1]):
                # Twice the difference: the lowest bit stays.
                m.d.sync += total[1:].eq(total[1:] + difference[:-1])
            sums.append(total)
        return sums, spent
