"""EMD readout: distances to K stored references, the nearest one's label, same or different."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..numerics.emd import NO_RUNNER_UP
from .events import mask_layout
from .memories import style
from .plan import CorePlan

RESULT = data.StructLayout({"distance": 32, "runner_up": 32, "label": 16, "same": 1})


class Readout(wiring.Component):
    """Accumulates sum over n, t of |C_n(t) - reference_k(t, n)| for every reference k.

    Each word of output spikes updates P cumulative counts, which are compared with one reference
    word a clock: max(K, 3) clocks a word, W * max(K, 3) a step, overlapped with the layers. The
    next word's counts are fetched meanwhile. From a frame's last word taken, with nothing before
    it pending, to `o.valid`: K + 8 clocks.

    Members: `i` (In stream of all spike words of the last layer, empty ones too), `o` (Out stream
    of RESULT: the nearest reference's distance and label, ties to the lower index, the second
    nearest's distance, all ones if K = 1, and distance <= verify threshold).
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        self._last = plan.layers[-1]
        super().__init__({
            "i": In(stream.Signature(mask_layout(self._last.lanes, self._last.words))),
            "o": Out(stream.Signature(RESULT)),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        plan, layer = self._plan, self._last
        counts_layout = data.ArrayLayout(unsigned(plan.count_bits), layer.lanes)
        distance_shape = unsigned(plan.distance_bits)

        # Fetch: take a word, add its spikes to the counts of its neurons.
        attrs = style(plan, counts_layout.size * layer.words)
        counts = Memory(shape=counts_layout, depth=layer.words, init=[], attrs=attrs)
        m.submodules.counts = counts
        count_read, count_write = counts.read_port(), counts.write_port()
        word, fetching, ready = Signal(mask_layout(layer.lanes, layer.words)), Signal(), Signal()
        first_step = Signal(init=1)
        updated = Signal(counts_layout)
        fetched, fetched_start, fetched_final = Signal(counts_layout, reset_less=True), Signal(), Signal()
        take = Signal()
        m.d.comb += [
            self.i.ready.eq(~fetching & ~ready),
            count_read.addr.eq(self.i.p.word),
            count_write.addr.eq(word.word),
            count_write.data.eq(updated),
            count_write.en.eq(fetching),
        ]
        for j in range(layer.lanes):
            m.d.comb += updated[j].eq(Mux(first_step, 0, count_read.data[j]) + word.mask[j])
        with m.If(take):
            m.d.sync += ready.eq(0)
        m.d.sync += fetching.eq(self.i.valid & self.i.ready)
        with m.If(~fetching):
            m.d.sync += word.eq(self.i.p)
        with m.Else():
            m.d.sync += [
                ready.eq(1),
                fetched.eq(updated),
                fetched_start.eq(first_step & (word.word == 0)),
                fetched_final.eq(word.end & word.last),
            ]
            with m.If(word.end):
                m.d.sync += first_step.eq(word.last)

        # Compare: walk the references of the word taken, in the order of the reference memory.
        table = plan.reference_table().tolist()
        references = Memory(shape=counts_layout, depth=len(table), init=table)
        m.submodules.references = references
        reference = references.read_port()
        comparing, k = Signal(), Signal(range(plan.compare_cycles))
        mine, start, final = Signal(counts_layout, reset_less=True), Signal(), Signal()
        position = Signal(range(len(table)))
        done, free = Signal(), Signal()
        m.d.comb += [
            done.eq(k == plan.compare_cycles - 1),
            # A frame's last word waits until the previous frame's result has been taken.
            take.eq(ready & (~comparing | done) & (free | ~fetched_final)),
            reference.addr.eq(position),
        ]
        walking = comparing & (k < plan.references)
        with m.If(walking):
            m.d.sync += position.eq(Mux(position == len(table) - 1, 0, position + 1))
        with m.If(comparing):
            m.d.sync += k.eq(k + 1)
        with m.If(~comparing | done):
            m.d.sync += [comparing.eq(take), k.eq(0), start.eq(fetched_start), final.eq(fetched_final)]
            m.d.sync += mine.eq(fetched)

        # Pipeline behind `walking`: 1 reference read, 2 differences, 3 their sum and the partial
        # distance read, 4 the new distance, 5 nearest so far.
        def delayed(signal, clocks):
            for _ in range(clocks):
                later = Signal.like(signal)
                m.d.sync += later.eq(signal)
                signal = later
            return signal

        walking_signal = Signal()
        m.d.comb += walking_signal.eq(walking)
        stage = Cat(walking_signal, start, final, k)
        stage1 = delayed(stage, 1)
        mine1 = delayed(mine, 1)
        differences = [Signal(plan.count_bits, name=f"difference_{j}") for j in range(layer.lanes)]
        for j, difference in enumerate(differences):
            ours, theirs = mine1[j], reference.data[j]
            m.d.sync += difference.eq(Mux(ours > theirs, ours - theirs, theirs - ours))
        stage2 = delayed(stage1, 1)
        attrs = style(plan, plan.distance_bits * plan.compare_cycles)
        partial = Memory(shape=distance_shape, depth=plan.compare_cycles, init=[], attrs=attrs)
        m.submodules.partial = partial
        partial_read, partial_write = partial.read_port(), partial.write_port()
        total = Signal(range((layer.lanes << plan.count_bits) + 1))
        m.d.comb += partial_read.addr.eq(stage2[3:])
        m.d.sync += total.eq(_tree(differences))
        stage3 = delayed(stage2, 1)
        distance = Signal(distance_shape)
        m.d.comb += [
            distance.eq(Mux(stage3[1], 0, partial_read.data) + total),
            partial_write.addr.eq(stage3[3:]),
            partial_write.data.eq(distance),
            partial_write.en.eq(stage3[0]),
        ]
        ranked = Signal()
        m.d.sync += ranked.eq(stage3[0] & stage3[2])
        self._rank(m, delayed(distance, 1), ranked, stage3[3:], free, take & fetched_final)
        return m

    def _rank(self, m, distance, valid, k, free, claim):
        """Nearest and second nearest of the K final distances, in order of k (given a clock ahead)."""
        plan = self._plan
        count = plan.references
        best, second = (Signal(distance.shape(), reset_less=True) for _ in range(2))
        nearest = Signal(range(max(count, 2)), reset_less=True)
        # The first distance is the best one so far whatever stood there, the first two have no
        # better runner-up. Registered flags: this loop cannot be pipelined, since the next distance
        # meets the best one a clock later, so little may be added to its comparison.
        first, early = Signal(), Signal()
        m.d.sync += [first.eq(k == 0), early.eq(k <= 1)]
        order = Signal.like(k)
        m.d.sync += order.eq(k)
        with m.If(valid & (first | (distance < best))):
            m.d.sync += [best.eq(distance), nearest.eq(order), second.eq(best)]
        with m.Elif(valid & (early | (distance < second))):
            m.d.sync += second.eq(distance)

        busy, finished = Signal(), Signal()
        m.d.sync += finished.eq(valid & (order == count - 1))
        with m.If(finished):
            m.d.sync += self.o.valid.eq(1)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [self.o.valid.eq(0), busy.eq(0)]
        with m.If(claim):
            m.d.sync += busy.eq(1)
        m.d.comb += free.eq(~busy)

        labels = Memory(shape=16, depth=max(count, 2), init=[int(x) for x in plan.network.references.labels])
        m.submodules.labels = labels
        port = labels.read_port(domain="comb")
        threshold = min(plan.network.verify_threshold, (1 << 32) - 1)
        m.d.comb += [
            port.addr.eq(nearest),
            self.o.p.label.eq(port.data),
            self.o.p.distance.eq(best),
            self.o.p.runner_up.eq(second if count > 1 else Const(NO_RUNNER_UP, 32)),
            self.o.p.same.eq(best <= threshold),
        ]


def _tree(values):
    """Balanced sum of a list of signals."""
    while len(values) > 1:
        pairs = [a + b for a, b in zip(values[::2], values[1::2], strict=False)]
        values = pairs + ([values[-1]] if len(values) % 2 else [])
    return values[0]
