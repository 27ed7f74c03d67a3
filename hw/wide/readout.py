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

    A step takes G = min(K, 3) clocks, R = ceil(K / G) references in each, all N neurons at once. In the
    last step a tournament of ceil(log2 R) rounds finds the nearest and the second nearest of each
    group, and they meet the best of the groups before. From a frame's last step taken to `o.valid`:
    3 + G + ceil(log2 R) clocks, one more where G > 1, and the registers of the adder tree over N
    terms, one for each three levels.

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

        # Read ahead: one row holds the counts of a whole group of references. The port shows the first group
        # of the next step while nothing is walked.
        rows = reference_rows(plan)
        row_layout = data.ArrayLayout(counts_layout, at_once)
        references = Memory(shape=row_layout, depth=len(rows), init=rows.tolist())
        m.submodules.references = references
        port = references.read_port()
        position = Signal(range(len(rows)))
        m.d.comb += port.addr.eq(position)
        with m.If(take | (walking & (group != group_count - 1))):
            m.d.sync += position.eq(Mux(position == len(rows) - 1, 0, position + 1))

        # Behind it: the differences, then their sums, then the distances.
        delay = 1 + stages(neurons, READOUT_LEVELS)
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
        summed, last = stage[delay], group_count - 1
        most = (1 << plan.distance_bits) - 1  # never less than a distance that is really there
        table = []
        for r in range(at_once):
            differences = [Signal(plan.count_bits, name=f"difference_{r}_{n}") for n in range(neurons)]
            for n, difference in enumerate(differences):
                ours, theirs = counts[n], port.data[r][n]
                m.d.sync += difference.eq(Mux(ours > theirs, ours - theirs, theirs - ours))
            total = registered_sum(m, differences, READOUT_LEVELS, f"total_{r}")
            mine = range(r, group_count * at_once, at_once)
            distances = [Signal(plan.distance_bits, name=f"distance_{k}", reset_less=True) for k in mine]
            now = Signal(plan.distance_bits, name=f"now_{r}", reset_less=True)
            after = Mux(summed.first, 0, Array(distances)[summed.group]) + total
            m.d.sync += now.eq(after)
            for g, distance in enumerate(distances):
                with m.If(summed.valid & (summed.group == g)):
                    m.d.sync += distance.eq(after)
            if last * at_once + r >= plan.references:  # the last group has no such reference
                with m.If(summed.group == last):
                    m.d.sync += now.eq(most)
            table.append((now, Const(most, plan.distance_bits), Const(r)))
        ranked = Signal(control, name="ranked")
        m.d.sync += [ranked.eq(summed), ranked.valid.eq(summed.valid & summed.final)]
        self._finish(m, table, ranked, free, take & self.i.p.last)
        return m

    def _finish(self, m, table, ranked, free, claim):
        """Rank each group's final distances in a tournament, its best against those of the groups before,
        and hold the record until it is taken.

        `table`: (distance, second nearest, index in the group); `ranked`: their `valid` and `group`.
        """
        plan, last = self._plan, groups(self._plan) - 1
        level = 0
        while len(table) > 1:
            pairs = [
                _meet(m, a, b, f"{level}_{i}")
                for i, (a, b) in enumerate(zip(table[::2], table[1::2], strict=False))
            ]
            table = pairs + ([_wait(m, table[-1], f"{level}_{len(pairs)}")] if len(table) % 2 else [])
            later = Signal.like(ranked, name=f"ranked_{level}")
            m.d.sync += later.eq(ranked)
            ranked, level = later, level + 1
        best, second, nearest = table[0]
        done = ranked.valid
        if last:
            at_once = references_at_once(plan)
            index = Array(g * at_once for g in range(last + 1))[ranked.group] + nearest
            before = _registers(table[0], (best, second, Const(plan.references - 1)), "before")
            with m.If(ranked.valid):
                m.d.sync += _met(before, (best, second, index), before, fresh=ranked.group == 0)
            done = Signal(name="done")
            m.d.sync += done.eq(ranked.valid & (ranked.group == last))
            best, second, nearest = before

        labels = Memory(
            shape=16, depth=max(plan.references, 2), init=[int(x) for x in plan.network.references.labels]
        )
        m.submodules.labels = labels
        port = labels.read_port(domain="comb")
        own = plan.network.references.threshold is not None
        most = (1 << plan.distance_bits) - 1
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
    winner = _registers(a, b, name)
    m.d.sync += _met(a, b, winner)
    return winner


def _met(a, b, winner, fresh=0):
    """What gives the registers `winner` the nearest and the second nearest of `a` and `b`; `b` if `fresh`."""
    b_wins = (b[0] < a[0]) | fresh
    others = Mux(b_wins, Mux((b[1] < a[0]) | fresh, b[1], a[0]), Mux(a[1] < b[0], a[1], b[0]))
    return [
        winner[0].eq(Mux(b_wins, b[0], a[0])),
        winner[1].eq(others),
        winner[2].eq(Mux(b_wins, b[2], a[2])),
    ]


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
