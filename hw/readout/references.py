"""Where the readout's references come from: fixed tables here, slots in hw/readout/slots.py."""

from amaranth.hdl import Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..plan import CorePlan


def count_row(plan: CorePlan, columns: int) -> data.ArrayLayout:
    """A memory word: numbers up to T, one a column."""
    return data.ArrayLayout(unsigned(plan.count_bits), columns)


class FixedReferences(wiring.Component):
    """The network's own references in a memory that is only read; column k belongs to reference k.

    Word i * 2^a + n, a the bits of an output address, holds how many steps are left at the i-th spike (from
    0) of neuron n, its own among them, of every reference k, k = 0 lowest; 0 where there is no such spike.
    Latency 1 clock from `row` to `left`, none from `nearest` to `label` and `threshold` (0 where references
    have none of their own).

    Members: `row` (In), `left` (Out, a number a column), `nearest` (In), `label`, `threshold` (Out).
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        super().__init__(
            {
                "row": In(range(plan.reference_rows)),
                "left": Out(count_row(plan, plan.columns)),
                "nearest": In(range(max(plan.columns, 2))),
                "label": Out(16),
                "threshold": Out(plan.distance_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        table = plan.reference_left()
        layout = count_row(plan, plan.columns)
        m.submodules.table = left = Memory(shape=layout, depth=len(table), init=table.tolist())
        labels = Memory(
            shape=16, depth=max(plan.references, 2), init=[int(x) for x in plan.network.references.labels]
        )
        m.submodules.labels = labels
        read, label = left.read_port(), labels.read_port(domain="comb")
        m.d.comb += [
            read.addr.eq(self.row),
            self.left.eq(read.data),
            label.addr.eq(self.nearest),
            self.label.eq(label.data),
        ]
        if plan.network.references.threshold is not None:
            limits = [plan.limit(reference) for reference in range(plan.references)]
            m.submodules.limits = limits = Memory(
                shape=plan.distance_bits, depth=max(len(limits), 2), init=limits
            )
            limit = limits.read_port(domain="comb")
            m.d.comb += [limit.addr.eq(self.nearest), self.threshold.eq(limit.data)]
        return m
