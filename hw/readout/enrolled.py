"""EMD readout over slots: references that are enrolled and cleared at run time."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...numerics.commands import NO_LABEL
from ...numerics.emd import NO_RUNNER_UP
from ..parts.events import event_layout
from ..plan import CorePlan
from .neuron_counts import neuron_counts
from .ranking import Ranking
from .result import RESULT
from .slots import COMMAND, ERRORS, STATUS, Slots


class SlotReadout(wiring.Component):
    """Sums |C_n(t) - R_k(t, n)| over neurons n and steps t for all K slots R_k side by side.

    Before a step's spikes arrive, a walk adds |C_n(t - 1) - R_k(t, n)|, one neuron per clock; then each spike
    moves every distance by one: up if C_n(t - 1) >= R_k(t, n), else down. So a step costs N + 2 clocks, most
    often while the last layer still integrates, and one per spike and TICK; the walk also reads the counts
    that are staged. From a frame's last TICK taken to `o.valid`: K + 7 + L clocks, L pieces of label and
    threshold being fetched; the next walk begins K + 6 + L clocks after it; a COMMIT walks again.

    Why side by side: P lanes that walk the references one by one need W * max(K, 3) clocks per step
    (80 instead of 34 for 32 neurons in 4 lanes and K = 10), the last step's after its last spike, and
    as much memory. A reference costs about 30 logic cells here.

    Members: `i` (In stream of the last layer's events), `o` (Out stream of RESULT: the nearest
    reference's distance and label, ties to the lower index, the second nearest's distance, all ones
    if there is none, and whether distance <= threshold, the reference's own or, where it has none, the
    network's), `command` (In stream of slots.COMMAND, taken between frames), `status`, `errors` (Out),
    `clear` and `damaged` (In) as of Slots; if no slot takes part, label and distance are all ones too, and
    `same` is 0.
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(event_layout(plan.layers[-1].neurons))),
                "o": Out(stream.Signature(RESULT)),
                "command": In(stream.Signature(COMMAND)),
                "status": Out(STATUS),
                "errors": Out(len(ERRORS)),
                "clear": In(1),
                "damaged": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan, neurons = self._plan, self._plan.layers[-1].neurons
        ranking, k = Signal(), Signal(range(max(plan.compared, 2)))
        ranked = Signal()
        m.d.comb += ranked.eq(ranking & (k == plan.compared - 1))
        m.submodules.references = references = Slots(plan)

        # Sequence of a step: walk, one clock for its last write, listen until the TICK.
        walking, walked, listening = Signal(init=1), Signal(), Signal()
        neuron, step = Signal(range(max(neurons, 2))), Signal(range(max(plan.network.timesteps, 2)))
        taken, ends = Signal(), Signal()
        # Events wait while a walk goes on, and for a command that came before a frame's first one.
        held, again = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(listening & ~held),
            taken.eq(self.i.valid & self.i.ready),
            ends.eq(taken & self.i.p.tick),
        ]
        m.d.sync += walked.eq(walking & (neuron == neurons - 1))
        with m.If(walking):
            m.d.sync += neuron.eq(neuron + 1)
            with m.If(neuron == neurons - 1):
                m.d.sync += [walking.eq(0), neuron.eq(0)]
        with m.If(walked):
            m.d.sync += listening.eq(1)
        with m.If(ends):
            m.d.sync += [listening.eq(0), walking.eq(~self.i.p.last)]
            m.d.sync += step.eq(Mux(self.i.p.last, 0, step + 1))

        # After a frame's last TICK the distances settle, then they are ranked; the record of the
        # frame before must have left.
        closing = Signal(2)
        m.d.sync += closing.eq(Cat(ends & self.i.p.last, closing.any()))
        start = Signal()
        m.d.comb += start.eq(closing[1] & ~self.o.valid)
        with m.If(start):
            m.d.sync += [closing.eq(0), ranking.eq(1)]
        with m.If(ranking):
            m.d.sync += k.eq(k + 1)
        with m.If(ranked):
            m.d.sync += [k.eq(0), ranking.eq(0)]
        with m.If(again):
            m.d.sync += [walking.eq(1), listening.eq(0)]

        distances = self._accumulate(m, references, walking, neuron, step, taken, again)
        m.submodules.rank = rank = Ranking(plan.distance_bits, plan.columns)
        # The last distance is settled 2 clocks after it was presented.
        presented, settling = Signal(), Signal(2)
        m.d.sync += settling.eq(Cat(presented, settling[0]))
        m.d.comb += rank.start.eq(start)
        found = Signal()
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(found):
            m.d.sync += self.o.valid.eq(1)
        # All ones: the reference has no threshold of its own.
        usual = min(plan.network.verify_threshold, (1 << plan.distance_bits) - 1)
        own = ~references.threshold.all()
        m.d.comb += [
            references.nearest.eq(rank.nearest),
            self.o.p.label.eq(references.label),
            self.o.p.distance.eq(rank.best),
            self.o.p.runner_up.eq(rank.second if plan.compared > 1 else Const(NO_RUNNER_UP, 32)),
            self.o.p.same.eq(rank.best <= Mux(own, references.threshold, usual)),
            self.o.p.own.eq(own),
        ]
        # A slot's column comes a clock after its number; the label is fetched while nothing walks.
        choosing, begun, tail = Signal(), Signal(), Signal()
        m.d.sync += [choosing.eq(ranking), presented.eq(ranked)]
        with m.If(taken):
            m.d.sync += begun.eq(~(self.i.p.tick & self.i.p.last))
        with m.If(walked):
            m.d.sync += tail.eq(0)
        with m.If(ends & self.i.p.last):
            m.d.sync += tail.eq(1)
        none, alone = Signal(reset_less=True), Signal(reset_less=True)
        m.d.sync += [none.eq(rank.best.all()), alone.eq(rank.second.all())]
        m.d.comb += [
            references.index.eq(k),
            rank.valid.eq(choosing & references.candidate),
            rank.distance.eq(Array(distances)[references.column]),
            rank.index.eq(references.column),
            references.fetch.eq(settling[1]),
            found.eq(references.fetched),
            again.eq(references.released | references.rewalk),
            held.eq(references.pending & ~begun),
            references.granted.eq(listening & ~begun),
            references.tail.eq(tail),
            references.walked.eq(walked),
            references.damaged.eq(self.damaged),
            references.clear.eq(self.clear),
            self.errors.eq(references.errors),
            self.status.eq(references.status),
        ]
        wiring.connect(m, wiring.flipped(self.command), references.command)
        with m.If(none):
            m.d.comb += [
                self.o.p.label.eq(NO_LABEL),
                self.o.p.distance.eq(NO_RUNNER_UP),
                self.o.p.same.eq(0),
                self.o.p.own.eq(0),
            ]
        with m.If(alone):
            m.d.comb += self.o.p.runner_up.eq(NO_RUNNER_UP)
        return m

    def _accumulate(self, m, references, walking, neuron, step, taken, clear):
        """Each column's distance: address in clock 0, counts 1, differences 2, terms 3, sums 4."""
        plan = self._plan
        m.submodules.cumulative = counts = neuron_counts(plan)
        count_read, count_write = counts.read_port(), counts.write_port()
        address = Signal.like(self.i.p.address)
        m.d.comb += [
            address.eq(Mux(walking, neuron, self.i.p.address)),
            references.row.eq(Cat(address, step)),
            count_read.addr.eq(address),
        ]

        active, spike = (
            [Signal(name=f"active_{c}") for c in (1, 2, 3)],
            [Signal(name=f"spike_{c}") for c in (1, 2)],
        )
        fresh, count = Signal(), Signal(plan.count_bits)
        m.d.sync += [
            active[0].eq(walking | (taken & ~self.i.p.tick)),
            spike[0].eq(taken & ~self.i.p.tick),
            # A frame's first walk finds the counts of the frame before and clears them.
            fresh.eq(walking & (step == 0)),
            count_write.addr.eq(address),
            active[1].eq(active[0]),
            active[2].eq(active[1]),
            spike[1].eq(spike[0]),
        ]
        m.d.comb += [
            count.eq(Mux(fresh, 0, count_read.data)),
            count_write.data.eq(count + spike[0]),
            count_write.en.eq(fresh | spike[0]),
        ]
        # What a walk reads are the counts up to the step before: all that is staged.
        before, visited, strolled = Signal.like(step), Signal.like(address), Signal()
        m.d.sync += [strolled.eq(walking), visited.eq(address)]
        with m.If(taken & self.i.p.tick):
            m.d.sync += before.eq(step)
        m.d.comb += [
            references.stage.valid.eq(strolled & ((step != 0) | references.tail)),
            references.stage.row.eq(Cat(visited, before)),
            references.stage.count.eq(count_read.data),
        ]

        distances = []
        for k in range(plan.columns):
            difference = Signal(signed(plan.count_bits + 1), name=f"difference_{k}", reset_less=True)
            below = difference[-1]
            # |difference| = (difference ^ below) + below; a spike adds 1, or -1 = all ones.
            term = Signal(signed(plan.count_bits + 1), name=f"term_{k}", reset_less=True)
            carry = Signal(name=f"carry_{k}", reset_less=True)
            distance = Signal(plan.distance_bits, name=f"distance_{k}")
            bits = Cat(Mux(spike[1], below, bit ^ below) for bit in difference[:-1])
            m.d.sync += [
                difference.eq(count - references.counts[k]),
                term.eq(Cat(bits, spike[1] & below).as_signed()),
                carry.eq(spike[1] ^ below),
            ]
            with m.If(clear):
                m.d.sync += distance.eq(0)
            with m.Elif(active[2]):
                # One adder: its lowest bit makes the carry.
                m.d.sync += distance.eq((Cat(Const(1, 1), distance) + Cat(carry, term).as_signed())[1:])
            distances.append(distance)
        return distances
