"""Beats: what a wide layer takes in one clock."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data

from ..plan import LayerPlan
from ..plan.wide import bank_rows


def beat_layout(plan: LayerPlan) -> data.StructLayout:
    """One clock's events: a row for each bank (0: none), and whether the step, the frame ends with them.

    There is no valid bit: a clock without events is a beat of zeros.
    """
    row = range(bank_rows(plan))
    return data.StructLayout({"row": data.ArrayLayout(row, plan.events_per_clock), "tick": 1, "last": 1})


def tick_gate(m: Module, tick: Value, room: Value) -> Value:
    """Whether a TICK may go in this clock: the last one is 3 clocks ago, and a clock ago there was room for
    its spikes.

    `tick` is high in a clock in which one goes. A register, as whole masks of spikes move when a TICK goes.
    """
    before, free = Signal(), Signal(init=1)
    m.d.sync += [before.eq(tick), free.eq(room & ~(tick | before))]
    return free
