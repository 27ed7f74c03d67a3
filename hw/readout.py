"""EMD readout: distances to K stored references, the nearest one's label, same or different."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..numerics.emd import NO_RUNNER_UP
from .events import event_layout
from .memories import style
from .plan import CorePlan

RESULT = data.StructLayout({"distance": 32, "runner_up": 32, "label": 16, "same": 1})


class Readout(wiring.Component):
    """Sums |C_n(t) - R_k(t, n)| over neurons n and steps t for all K references R_k side by side.

    Before a step's spikes arrive, a walk adds |C_n(t - 1) - R_k(t, n)|, a neuron a clock; then each
    spike moves every distance by one: up if C_n(t - 1) >= R_k(t, n), else down. So a step costs
    N + 2 clocks, most often while the last layer still integrates, and one a spike and TICK. From
    a frame's last TICK taken to `o.valid`: K + 5 clocks; the next walk begins K + 3 clocks after it.

    Why side by side: P lanes that walk the references one by one need W * max(K, 3) clocks a step
    (80 instead of 34 for 32 neurons in 4 lanes and K = 10), the last step's after its last spike, and
    as much memory. A reference costs about 30 logic cells here.

    The references lie in one memory with a port to spare: word t * 2^a + n, a the bits of an
    address, holds R_k(t, n) of every k, k = 0 lowest.

    Members: `i` (In stream of the last layer's events), `o` (Out stream of RESULT: the nearest
    reference's distance and label, ties to the lower index, the second nearest's distance, all ones
    if K = 1, and distance <= verify threshold).
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        super().__init__({
            "i": In(stream.Signature(event_layout(plan.layers[-1].neurons))),
            "o": Out(stream.Signature(RESULT)),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        plan, neurons = self._plan, self._plan.layers[-1].neurons
        ranking, k = Signal(), Signal(range(max(plan.references, 2)))
        ranked = Signal()
        m.d.comb += ranked.eq(ranking & (k == plan.references - 1))

        # Sequence of a step: walk, one clock for its last write, listen until the TICK.
        walking, walked, listening = Signal(init=1), Signal(), Signal()
        neuron, step = Signal(range(max(neurons, 2))), Signal(range(max(plan.network.timesteps, 2)))
        taken, ends = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(listening),
            taken.eq(self.i.valid & listening),
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
            m.d.sync += [k.eq(0), ranking.eq(0), walking.eq(1)]

        distances = self._accumulate(m, walking, neuron, step, taken, ranked)
        self._rank(m, Array(distances)[k], ranking, k, start)
        return m

    def _accumulate(self, m, walking, neuron, step, taken, clear):
        """The K distances: address in clock 0, counts and references 1, differences 2, terms 3, sums 4."""
        plan = self._plan
        table = plan.reference_table()
        layout = data.ArrayLayout(unsigned(plan.count_bits), plan.references)
        references = Memory(shape=layout, depth=len(table), init=table.tolist())
        depth = plan.layers[-1].neurons
        counts = Memory(
            shape=plan.count_bits, depth=depth, init=[], attrs=style(plan, plan.count_bits * depth)
        )
        m.submodules.references, m.submodules.counts = references, counts
        reference, count_read, count_write = (
            references.read_port(), counts.read_port(), counts.write_port()
        )  # fmt: skip
        address = Signal.like(self.i.p.address)
        m.d.comb += [
            address.eq(Mux(walking, neuron, self.i.p.address)),
            reference.addr.eq(Cat(address, step)),
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

        distances = []
        for k in range(plan.references):
            difference = Signal(signed(plan.count_bits + 1), name=f"difference_{k}", reset_less=True)
            below = difference[-1]
            # |difference| = (difference ^ below) + below; a spike adds 1, or -1 = all ones.
            term = Signal(signed(plan.count_bits + 1), name=f"term_{k}", reset_less=True)
            carry = Signal(name=f"carry_{k}", reset_less=True)
            distance = Signal(plan.distance_bits, name=f"distance_{k}")
            bits = Cat(Mux(spike[1], below, bit ^ below) for bit in difference[:-1])
            m.d.sync += [
                difference.eq(count - reference.data[k]),
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

    def _rank(self, m, chosen, valid, k, start):
        """Nearest and second nearest of the K distances `chosen`, in order of k, one a clock.

        A distance meets the best one while the distance before it is still being decided on.
        So it is also compared with that one, and the decision says which comparison counts.
        """
        plan = self._plan
        distance, before, settled = (Signal(plan.distance_bits, reset_less=True) for _ in range(3))
        best, second = (Signal(plan.distance_bits, reset_less=True) for _ in range(2))
        order, candidate, nearest = (Signal.like(k, reset_less=True) for _ in range(3))
        comparing, deciding, early = Signal(), Signal(), Signal()
        m.d.sync += [comparing.eq(valid), deciding.eq(comparing), order.eq(k), candidate.eq(order)]
        m.d.sync += [distance.eq(chosen), before.eq(distance), settled.eq(distance)]
        # The first two distances have no better one before them, whatever stands in `best`.
        below_best, below_before, below_second = (Signal(reset_less=True) for _ in range(3))
        m.d.comb += early.eq(order <= 1)
        m.d.sync += [
            below_best.eq((distance < best) | early),
            below_before.eq(distance < before),
            below_second.eq(distance < second),
        ]
        was_nearest, was_second = Signal(), Signal()
        is_nearest, is_second = Signal(), Signal()
        m.d.comb += [
            is_nearest.eq(Mux(was_nearest, below_before, below_best)),
            is_second.eq(Mux(was_nearest, below_best, Mux(was_second, below_before, below_second))),
        ]
        m.d.sync += [was_nearest.eq(deciding & is_nearest), was_second.eq(deciding & ~is_nearest & is_second)]
        with m.If(deciding & is_nearest):
            m.d.sync += [best.eq(settled), nearest.eq(candidate), second.eq(best)]
        with m.Elif(deciding & is_second):
            m.d.sync += second.eq(settled)

        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(deciding & ~comparing):
            m.d.sync += self.o.valid.eq(1)

        labels = Memory(
            shape=16, depth=max(plan.references, 2), init=[int(x) for x in plan.network.references.labels]
        )
        m.submodules.labels = labels
        port = labels.read_port(domain="comb")
        threshold = min(plan.network.verify_threshold, (1 << 32) - 1)
        m.d.comb += [
            port.addr.eq(nearest),
            self.o.p.label.eq(port.data),
            self.o.p.distance.eq(best),
            self.o.p.runner_up.eq(second if plan.references > 1 else Const(NO_RUNNER_UP, 32)),
            self.o.p.same.eq(best <= threshold),
        ]
