"""From a wide convolution's rows of spikes to events, one per clock."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from ..parts.bits import lowest_bit, several, three
from ..parts.events import mask_layout
from ..plan.wide_conv import QUEUE_WORDS, WideConvPlan
from .places import coordinate, place_layout, set_coordinates


def row_layout(plan: WideConvPlan) -> data.StructLayout:
    """A row's spikes and in which banks there are any."""
    return data.StructLayout({"row": mask_layout(plan.lanes, plan.words), "some": plan.banks})


class RowQueue(wiring.Component):
    """Holds up to 16 rows of spikes; one without spikes is dropped unless it ends its step.

    The writer begins a row only with `room`: rows begun and neither dropped nor taken are fewer than 16.
    One row a clock, latency 2 clocks.

    Members: `spikes`, `spikes_valid`, `begin` (In), `room` (Out), `o` (Out stream, see row_layout).
    """

    def __init__(self, plan: WideConvPlan):
        self._plan = plan
        super().__init__(
            {
                "spikes": In(mask_layout(plan.lanes, plan.words)),
                "spikes_valid": In(1),
                "begin": In(1),
                "room": Out(1),
                "o": Out(stream.Signature(row_layout(plan))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        layout = row_layout(plan)
        m.submodules.fifo = fifo = SyncFIFO(width=layout.size, depth=QUEUE_WORDS)
        seen, valid, keep = Signal(layout, reset_less=True), Signal(), Signal()
        some = Cat(
            self.spikes.mask[first : first + plan.channels].any()
            for first in range(0, plan.lanes, plan.channels)
        )
        m.d.sync += [seen.row.eq(self.spikes), seen.some.eq(some), valid.eq(self.spikes_valid)]
        rows, room = Signal(range(QUEUE_WORDS + 1)), Signal(init=1)
        after = Signal.like(rows)
        m.d.comb += [
            keep.eq(seen.some.any() | seen.row.end),
            fifo.w_data.eq(seen),
            fifo.w_en.eq(valid & keep),
            self.o.p.eq(fifo.r_data),
            self.o.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.o.ready),
            after.eq(rows + self.begin - (valid & ~keep) - (self.o.valid & self.o.ready)),
            self.room.eq(room),
        ]
        m.d.sync += [rows.eq(after), room.eq(after != QUEUE_WORDS)]
        return m


class RowEncoder(wiring.Component):
    """Emits the place of every spike, bank by bank, and a TICK behind each step's last row.

    Two stages: a row, from which one bank with spikes leaves per clock, and a bank, from which one spike
    leaves per clock. So a step of s spikes takes s + 1 clocks, if its rows come in time. From a row taken to
    its first event offered: 2 clocks.

    Members: `i` (In stream, see row_layout), `o` (Out stream of events, see place_layout).
    """

    def __init__(self, plan: WideConvPlan):
        self._plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(row_layout(plan))),
                "o": Out(stream.Signature(place_layout(plan.leaving))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        vertical, horizontal = plan.axes
        row, row_valid = Signal(row_layout(plan)), Signal()
        bank, bank_valid = Signal(plan.channels, reset_less=True), Signal()
        place = Signal(place_layout(plan.leaving), reset_less=True)  # of the bank; c is found below
        # Of each bank of the row, and of the bank, whether it has more than one spike left: known ahead, as
        # the way from the next layer to the queue leads through it.
        many, more = Signal(plan.banks, reset_less=True), Signal()
        chosen, lowest = Signal(plan.banks), Signal(plan.channels)
        move, finished, spent = Signal(), Signal(), Signal()
        m.d.comb += [
            chosen.eq(lowest_bit(m, row.some)),
            # Behind the banks of a step's last row: its TICK, an item without spikes.
            finished.eq(Mux(row.row.end, ~row.some.any(), ~several(m, row.some))),
            lowest.eq(lowest_bit(m, bank)),
            spent.eq(self.o.ready & ~more),
            move.eq(row_valid & (~bank_valid | spent)),
            self.i.ready.eq(~row_valid | (move & finished)),
        ]
        with m.If(self.i.ready):
            channels, coming = plan.channels, self.i.p.row.mask
            banks = [coming[b * channels : (b + 1) * channels] for b in range(plan.banks)]
            m.d.sync += [
                row.eq(self.i.p),
                row_valid.eq(self.i.valid),
                many.eq(Cat(several(m, bits) for bits in banks)),
            ]
        with m.Elif(move):
            m.d.sync += row.some.eq(row.some & ~chosen)

        masks = [
            row.row.mask[b * plan.channels : (b + 1) * plan.channels] & chosen[b].replicate(plan.channels)
            for b in range(plan.banks)
        ]
        codes = [
            Cat(chosen[b] for b in range(plan.banks) if code(b) >> bit & 1).any()
            for code, bits in (
                (lambda b: b % horizontal.banks, horizontal.bank_bits),
                (lambda b: b // horizontal.banks, vertical.bank_bits),
            )
            for bit in range(bits)
        ]
        x_bank, y_bank = Cat(codes[: horizontal.bank_bits]), Cat(codes[horizontal.bank_bits :])
        x_row, y_row = row.row.word[: horizontal.row_bits], row.row.word[horizontal.row_bits :]
        with m.If(move):
            m.d.sync += [
                bank.eq(Cat(Cat(mask[j] for mask in masks).any() for j in range(plan.channels))),
                *set_coordinates(place, x=Cat(x_bank, x_row), y=Cat(y_bank, y_row)),
                place.tick.eq(~row.some.any()),
                place.last.eq(row.row.last),
                bank_valid.eq(1),
                more.eq((many & chosen).any()),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += [bank.eq(bank & ~lowest), bank_valid.eq(more), more.eq(three(m, bank))]
        index = Cat(
            Cat(lowest[j] for j in range(plan.channels) if j >> bit & 1).any()
            for bit in range(plan.leaving.c_bits)
        )
        m.d.comb += [
            *set_coordinates(self.o.p, x=coordinate(place, "x"), y=coordinate(place, "y"), c=index),
            self.o.p.tick.eq(place.tick),
            self.o.p.last.eq(place.last & place.tick),
            self.o.valid.eq(bank_valid),
        ]
        return m
