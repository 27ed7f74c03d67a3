"""EMD readout of a wide core: all neurons at once, several references per clock, a tournament at the end."""

from amaranth.hdl import Array, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ...numerics.emd import NO_RUNNER_UP
from ..parts.events import mask_layout
from ..parts.trees import registered_sum
from ..plan import CorePlan
from ..plan.wide import READOUT_LEVELS, groups, reference_rows, references_at_once, stages
from ..readout.result import RESULT


class WideReadout(wiring.Component):
    """Accumulates sum over n, t of |C_n(t) - reference_k(t, n)| for every reference k.

    A step takes G = min(K, 3) clocks, ceil(K / G) references in each, all N neurons at once. After
    the last step a tournament of ceil(log2 K) rounds finds the nearest and the second nearest
    reference. From a frame's last step taken to `o.valid`: 4 + G + ceil(log2 K) clocks and the
    registers of the adder tree over N terms, one for each three levels.

    Members: `i` (In stream of steps' spikes), `o` (Out stream of RESULT, as in Readout).
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(mask_layout(plan.layers[-1].neurons, 1))),
                "o": Out(stream.Signature(RESULT)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        neurons, group_count, at_once = plan.layers[-1].neurons, groups(plan), references_at_once(plan)
        counts_layout = data.ArrayLayout(unsigned(plan.count_bits), neurons)

        # Count: a step's spikes join the cumulative counts.
        counts = Signal(counts_layout, reset_less=True)
        first, fresh, final = Signal(), Signal(init=1), Signal()
        walking, group = Signal(), Signal(range(max(group_count, 2)))
        free, take = Signal(), Signal()
        m.d.comb += [
            # A frame's last step waits until the previous frame's result has been taken.
            self.i.ready.eq((~walking | (group == group_count - 1)) & (free | ~self.i.p.last)),
            take.eq(self.i.valid & self.i.ready),
        ]
        with m.If(take):
            m.d.sync += [walking.eq(1), group.eq(0), first.eq(fresh), final.eq(self.i.p.last)]
            m.d.sync += fresh.eq(self.i.p.last)
            for n in range(neurons):
                m.d.sync += counts[n].eq(Mux(fresh, 0, counts[n]) + self.i.p.mask[n])
        with m.Elif(group == group_count - 1):
            m.d.sync += [walking.eq(0), group.eq(0)]
        with m.Elif(walking):
            m.d.sync += group.eq(group + 1)

        # Read: one row holds the counts of a whole group of references.
        rows = reference_rows(plan)
        row_layout = data.ArrayLayout(counts_layout, at_once)
        references = Memory(shape=row_layout, depth=len(rows), init=rows.tolist())
        m.submodules.references = references
        port = references.read_port()
        position = Signal(range(len(rows)))
        m.d.comb += port.addr.eq(position)
        with m.If(walking):
            m.d.sync += position.eq(Mux(position == len(rows) - 1, 0, position + 1))

        # Behind it: 1 row read, 2 differences, then their sums, then the distances.
        delay = 2 + stages(neurons, READOUT_LEVELS)
        control = data.StructLayout({"valid": 1, "first": 1, "final": 1, "group": group.shape()})
        stage = [Signal(control, name=f"stage_{k}") for k in range(delay + 1)]
        m.d.comb += [
            stage[0].valid.eq(walking),
            stage[0].first.eq(first),
            stage[0].final.eq(final),
            stage[0].group.eq(group),
        ]
        for k in range(delay):
            m.d.sync += stage[k + 1].eq(stage[k])
        mine = Signal(counts_layout, reset_less=True)
        m.d.sync += mine.eq(counts)
        done = Signal()
        m.d.sync += done.eq(stage[delay].valid & stage[delay].final & (stage[delay].group == group_count - 1))
        distances = []
        for k in range(plan.references):
            distances.append(Signal(plan.distance_bits, name=f"distance_{k}", reset_less=True))
        for r in range(at_once):
            differences = [Signal(plan.count_bits, name=f"difference_{r}_{n}") for n in range(neurons)]
            for n, difference in enumerate(differences):
                ours, theirs = mine[n], port.data[r][n]
                m.d.sync += difference.eq(Mux(ours > theirs, ours - theirs, theirs - ours))
            total = registered_sum(m, differences, READOUT_LEVELS, f"total_{r}")
            for g in range(group_count):
                k = g * at_once + r
                if k < plan.references:
                    with m.If(stage[delay].valid & (stage[delay].group == g)):
                        m.d.sync += distances[k].eq(Mux(stage[delay].first, 0, distances[k]) + total)
        self._finish(m, distances, done, free, take & self.i.p.last)
        return m

    def _finish(self, m, distances, done, free, claim):
        """Rank the final distances in a tournament and hold the record until it is taken."""
        plan = self._plan
        most = (1 << plan.distance_bits) - 1  # never less than a distance that is really there
        table = [(d, Const(most, plan.distance_bits), Const(k)) for k, d in enumerate(distances)]
        level = 0
        while len(table) > 1:
            pairs = [
                _meet(m, a, b, f"{level}_{i}")
                for i, (a, b) in enumerate(zip(table[::2], table[1::2], strict=False))
            ]
            table = pairs + ([_wait(m, table[-1], f"{level}_{len(pairs)}")] if len(table) % 2 else [])
            later = Signal(name=f"done_{level}")
            m.d.sync += later.eq(done)
            done, level = later, level + 1
        best, second, nearest = table[0]

        labels = Memory(
            shape=16, depth=max(plan.references, 2), init=[int(x) for x in plan.network.references.labels]
        )
        m.submodules.labels = labels
        port = labels.read_port(domain="comb")
        own = plan.network.references.threshold is not None
        limits = [min(int(limit), most) for limit in plan.network.thresholds]
        threshold = Array(limits)[nearest] if own else limits[0]
        busy = Signal()
        m.d.comb += [port.addr.eq(nearest), free.eq(~busy)]
        with m.If(done):
            m.d.sync += [
                self.o.valid.eq(1),
                self.o.p.label.eq(port.data),
                self.o.p.distance.eq(best),
                self.o.p.runner_up.eq(second if plan.references > 1 else NO_RUNNER_UP),
                self.o.p.same.eq(best <= threshold),
                self.o.p.own.eq(own),
            ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [self.o.valid.eq(0), busy.eq(0)]
        with m.If(claim):
            m.d.sync += busy.eq(1)


def _meet(m, a, b, name):
    """(nearest, second nearest, index) of two such triples, one clock later; a tie goes to `a`."""
    best, second, index = _registers(a, b, name)
    b_wins = Signal(name=f"b_wins_{name}")
    m.d.comb += b_wins.eq(b[0] < a[0])
    m.d.sync += [
        best.eq(Mux(b_wins, b[0], a[0])),
        second.eq(Mux(b_wins, Mux(b[1] < a[0], b[1], a[0]), Mux(a[1] < b[0], a[1], b[0]))),
        index.eq(Mux(b_wins, b[2], a[2])),
    ]
    return best, second, index


def _wait(m, a, name):
    """The one that has no opponent in a round."""
    registers = _registers(a, a, name)
    m.d.sync += [register.eq(signal) for register, signal in zip(registers, a, strict=True)]
    return registers


def _registers(a, b, name):
    return (
        Signal(len(a[0]), name=f"best_{name}", reset_less=True),
        Signal(len(a[1]), name=f"second_{name}", reset_less=True),
        Signal(max(len(a[2]), len(b[2])), name=f"index_{name}", reset_less=True),
    )
