"""Reference slots that are enrolled, compared with and cleared while the core runs."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ...numerics.commands import COMMANDS, STAGED_SLOT
from ..parts.memories import spare
from ..plan import CorePlan
from .references import count_row

# A command as it comes: the value written to a register, and which one (0 COMMAND, 1 REFERENCE_AT, 2 STAGE,
# 3 COMMIT_THRESHOLD).
COMMAND = data.StructLayout({"value": 32, "register": 2})
TO_COMMAND, TO_REFERENCE_AT, TO_STAGE, TO_THRESHOLD = range(4)
STATUS = data.StructLayout(
    {
        "mode": 8,
        "slot": 8,
        "staged": 1,
        "busy": 1,
        "count": 8,
        "holds": 1,
        "label": 16,
        "threshold": 31,
        "own": 1,
    }
)
# Bits of `errors`, in order: what hw/bus/registers.py calls COMMAND_ERRORS, but for command_busy.
ERRORS = ("command_unknown", "slot_range", "nothing_staged", "reference_range")
CLASSIFY, EMBED, ENROL, VERIFY, COMMIT, CLEAR = range(len(COMMANDS))


class Slots(wiring.Component):
    """K slots and a staged copy, in K + 1 columns of one memory; which column is whose is kept in registers.

    So a COMMIT exchanges two column numbers, in one clock, and whatever happens before it leaves every
    slot as it was. Frames of EMBED and ENROL are staged while the readout walks: the walk of step t + 1
    reads C_n(t), which is written to the staged column of row (t, n) 2 clocks later; the last step's
    by the next frame's first walk. So a COMMIT given with an ENROL frame's result is carried out N + L + 4
    clocks later: an enrolment takes a frame and that.

    The memory has one column more, for records, label and threshold: that of column c lies in rows
    c * 2^p + 0.. of it, in P pieces as wide as a count. Neither columns nor records are reset: references
    outlive a reset. A threshold is as wide as a distance; all ones, which no distance is, says that the slot
    has none of its own. That of the next COMMIT waits in a register, which a COMMIT leaves at all ones.

    Commands are carried out between frames: from `granted` to `pending` falling, 3 clocks for modes, CLEAR,
    STAGE, COMMIT_THRESHOLD and what is refused, P + 4 for COMMIT, P + 5 for REFERENCE_AT. From `fetch` to
    `label` and `threshold`: P + 2 clocks; `fetched` comes 1 clock, `released` 2 clocks before it.

    Members: `row` (In) to `counts` (Out) in 1 clock, the K + 1 columns; `index` (In), a slot, to
    `column` and `candidate` (Out: a frame is compared with it) in 1 clock; `fetch` (In: `nearest` stands),
    `nearest` (In, a column), `released`, `fetched`, `label`, `threshold` (Out). `stage` (In: the walk's
    counts), `tail` (In: a first walk, which stages the last step), `walked` (In: a walk ends), `damaged`
    (In: a frame is not sound). `command` (In stream of COMMAND), `granted` (In: between frames), `pending`,
    `rewalk` (Out: references changed), `status` (Out), `errors` (Out, sticky), `clear` (In).
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        columns = range(plan.columns)
        rows = range(plan.reference_rows)
        super().__init__(
            {
                "row": In(rows),
                "counts": Out(count_row(plan, plan.columns)),
                "index": In(range(max(plan.slots, 2))),
                "column": Out(columns),
                "candidate": Out(1),
                "fetch": In(1),
                "nearest": In(columns),
                "released": Out(1),
                "fetched": Out(1),
                "label": Out(16),
                "threshold": Out(plan.distance_bits),
                "stage": In(
                    data.StructLayout({"valid": 1, "row": bits_for(rows[-1]), "count": plan.count_bits})
                ),
                "tail": In(1),
                "walked": In(1),
                "damaged": In(1),
                "command": In(stream.Signature(COMMAND)),
                "granted": In(1),
                "pending": Out(1),
                "rewalk": Out(1),
                "status": Out(STATUS),
                "errors": Out(len(ERRORS)),
                "clear": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        pieces, piece_bits = plan.record_pieces, bits_for(max(plan.record_pieces - 1, 1))
        table = plan.reference_table()
        layout = count_row(plan, plan.columns + 1)
        attrs = spare(plan.target, len(table) * layout.size)
        m.submodules.table = memory = Memory(shape=layout, depth=len(table), init=table.tolist(), attrs=attrs)
        read, write = memory.read_port(), memory.write_port(granularity=1)

        # Which column is whose: kept through a reset, as the memory is.
        column_of = [
            Signal(range(plan.columns), init=k, name=f"column_of_{k}", reset_less=True)
            for k in range(plan.slots)
        ]
        holds = [
            Signal(init=k < plan.references, name=f"holds_{k}", reset_less=True) for k in range(plan.slots)
        ]
        staged_column = Signal(range(plan.columns), init=plan.slots, reset_less=True)

        mode, only = Signal(range(len(COMMANDS))), Signal(range(max(plan.slots, 2)))
        staged, spoiled = Signal(), Signal()
        word = Signal(COMMAND, reset_less=True)
        pending = Signal()
        m.d.comb += [self.pending.eq(pending), self.command.ready.eq(~pending)]
        with m.If(self.command.valid & ~pending):
            m.d.sync += [word.eq(self.command.p), pending.eq(1)]

        # A slot's column and whether it takes part; between frames it is the command's slot.
        value, kind = word.value, word.register
        slot, index = Signal(8), Signal.like(self.index)
        here, mine, asked = Signal(), Signal(), Signal.like(self.index, reset_less=True)
        m.d.sync += [mine.eq(pending & self.granted), asked.eq(slot)]
        m.d.comb += [
            slot.eq(Mux(kind == TO_COMMAND, value[8:16], value[24:32])),
            index.eq(Mux(mine, asked, self.index)),
        ]
        m.d.sync += [
            self.column.eq(Array(column_of)[index]),
            here.eq(Array(holds)[index]),
            self.candidate.eq(Array(holds)[index] & ((mode != VERIFY) | (index == only))),
        ]

        # The write port, a register before it: a count for the staged column, or a piece of a label.
        put_count, put_label = Signal(), Signal()
        put_row, put = Signal.like(self.row, reset_less=True), Signal(plan.count_bits, reset_less=True)
        m.d.comb += [
            write.addr.eq(put_row),
            write.data.as_value().eq(put.replicate(plan.columns + 1)),
            write.en.eq(Cat(*(put_count & (staged_column == c) for c in range(plan.columns)), put_label)),
        ]
        kept, staging = Signal(), Signal()
        m.d.comb += [kept.eq((mode == EMBED) | (mode == ENROL)), staging.eq(self.stage.valid & kept)]
        m.d.sync += [
            put_count.eq(staging),
            put_label.eq(0),
            put_row.eq(self.stage.row),
            put.eq(self.stage.count),
        ]
        with m.If(staging):
            m.d.sync += staged.eq(0)
        with m.If(self.tail & self.walked & kept):
            m.d.sync += staged.eq((mode == ENROL) & ~spoiled)
        with m.If(self.damaged & (mode == ENROL)):
            m.d.sync += [spoiled.eq(1), staged.eq(0)]

        # The read port: the readout's rows, unless a label or the word of REFERENCE_AT is fetched.
        own, own_row = Signal(), Signal.like(self.row)
        m.d.comb += [
            read.addr.eq(Mux(own, own_row, self.row)),
            self.counts.as_value().eq(read.data.as_value()),
        ]
        at = Signal(data.StructLayout({"neuron": plan.output_bits, "step": bits_for(plan.network.timesteps)}))
        at_row = Cat(at.neuron, at.step)
        at_column, at_holds, count = Signal.like(staged_column), Signal(), Signal(plan.count_bits)
        # One column of many is chosen in two clocks: among four of them, then among the fours.
        fours = [range(first, min(first + 4, plan.columns)) for first in range(0, plan.columns, 4)]
        caught = [Signal(plan.count_bits, name=f"caught_{four.start}") for four in fours]
        m.d.sync += count.eq(Array(caught)[at_column[2:]])
        piece, catching, final = Signal(piece_bits), Signal(), Signal()
        label = Signal(pieces * plan.count_bits, reset_less=True)
        labelled = Signal.like(staged_column)
        m.d.comb += [
            labelled.eq(Mux(pending, at_column, self.nearest)),
            final.eq(piece == pieces - 1),
            self.label.eq(label),
            self.threshold.eq(label[plan.label_pieces * plan.count_bits :]),
        ]
        m.d.sync += [catching.eq(0), self.fetched.eq(0)]
        with m.If(catching):
            m.d.sync += label.eq(Cat(label[plan.count_bits :], read.data[plan.columns]))

        sound, chosen, finish = Signal(), Signal(), Signal()
        neurons, timesteps = plan.network.outputs, plan.network.timesteps
        errors = {name: Signal(name=name) for name in ERRORS}
        opcode, named = value[:8], value[16:]
        limit = Signal(plan.threshold_pieces * plan.count_bits, init=-1)
        # What the word means is known a clock after it came, before it is carried out.
        there, known, above = Signal(), Signal(), Signal()
        m.d.sync += [
            sound.eq(slot < plan.slots),
            chosen.eq(slot == STAGED_SLOT),
            there.eq((value[:16] < neurons) & (value[16:24] < timesteps)),
            known.eq(opcode < len(COMMANDS)),
            above.eq(opcode > timesteps),
        ]
        with m.FSM():
            with m.State("WAIT"):
                m.d.sync += piece.eq(0)
                with m.If(self.fetch):
                    m.next = "LABEL"
                with m.Elif(pending & mine):
                    m.next = "CARRY OUT"
            with m.State("CARRY OUT"):  # `column` and `here` are those of the command's slot
                m.next = "WAIT"
                with m.If(kind == TO_REFERENCE_AT):
                    with m.If(there & (sound | chosen)):
                        m.d.sync += [
                            at.neuron.eq(value[:16]),
                            at.step.eq(value[16:24]),
                            at_column.eq(Mux(chosen, staged_column, self.column)),
                            at_holds.eq(~chosen & here),
                        ]
                        m.next = "COUNT"
                    with m.Else():
                        m.d.comb += [errors["reference_range"].eq(1), finish.eq(1)]
                with m.Elif(kind == TO_THRESHOLD):
                    m.d.comb += finish.eq(1)
                    m.d.sync += limit.eq(_limit(value, plan.distance_bits))
                with m.Elif(kind == TO_STAGE):
                    m.d.comb += finish.eq(1)
                    with m.If(above):
                        m.d.comb += errors["reference_range"].eq(1)
                    with m.Else():
                        m.d.sync += [put_count.eq(1), put_row.eq(at_row), put.eq(value), staged.eq(0)]
                        m.d.sync += at.neuron.eq(at.neuron + 1)
                        with m.If(at.neuron == neurons - 1):
                            m.d.sync += [at.neuron.eq(0), at.step.eq(at.step + 1)]
                            with m.If(at.step == timesteps - 1):
                                m.d.sync += [at.step.eq(0), staged.eq(1)]
                with m.Elif(~known):
                    m.d.comb += [errors["command_unknown"].eq(1), finish.eq(1)]
                with m.Elif((opcode[:3] >= VERIFY) & ~sound):
                    m.d.comb += [errors["slot_range"].eq(1), finish.eq(1)]
                with m.Elif((opcode[:3] == COMMIT) & ~staged):
                    m.d.comb += [errors["nothing_staged"].eq(1), finish.eq(1)]
                with m.Elif(opcode[:3] == COMMIT):
                    m.next = "NAME"
                with m.Else():
                    m.d.comb += finish.eq(1)
                    with m.If(opcode[:3] == CLEAR):
                        m.d.sync += Array(holds)[asked].eq(0)
                    with m.Else():
                        m.d.sync += mode.eq(opcode)
                    with m.If(opcode[:3] == VERIFY):
                        m.d.sync += only.eq(asked)
                    with m.If(opcode[:3] == ENROL):
                        m.d.sync += spoiled.eq(0)
            with m.State("NAME"):  # label and threshold are written before the columns are exchanged
                m.d.sync += [
                    put_label.eq(1),
                    put_row.eq(Cat(piece, staged_column)),
                    piece.eq(piece + 1),
                ]
                with m.If(piece < plan.label_pieces):
                    m.d.sync += [put.eq(named), named.eq(named[plan.count_bits :])]
                with m.Else():
                    ones = Const(-1, plan.count_bits)
                    m.d.sync += [put.eq(limit), limit.eq(Cat(limit[plan.count_bits :], ones))]
                with m.If(final):
                    m.next = "EXCHANGE"
            with m.State("EXCHANGE"):
                m.next = "WAIT"
                m.d.comb += [finish.eq(1), self.rewalk.eq(1)]
                m.d.sync += [
                    Array(column_of)[asked].eq(staged_column),
                    Array(holds)[asked].eq(1),
                    staged_column.eq(self.column),
                    staged.eq(0),
                ]
            with m.State("COUNT"):
                m.d.comb += [own.eq(1), own_row.eq(at_row)]
                m.next = "CATCH"
            with m.State("CATCH"):
                for register, four in zip(caught, fours, strict=True):
                    m.d.sync += register.eq(Array(read.data[c] for c in four)[at_column[:2]])
                m.next = "LABEL"
            with m.State("LABEL"):
                m.d.comb += [own.eq(1), own_row.eq(Cat(piece, labelled)), self.released.eq(final & ~pending)]
                m.d.sync += [catching.eq(1), piece.eq(piece + 1)]
                with m.If(final):
                    m.d.sync += self.fetched.eq(~pending)
                    m.next = "WAIT"
                    m.d.comb += finish.eq(pending)
        with m.If(finish):
            m.d.sync += pending.eq(0)
        with m.If(self.clear):
            m.d.sync += self.errors.eq(0)
        for bit, name in enumerate(ERRORS):
            with m.If(errors[name]):
                m.d.sync += self.errors[bit].eq(1)
        m.d.comb += [
            self.status.mode.eq(mode),
            self.status.slot.eq(only),
            self.status.staged.eq(staged),
            self.status.busy.eq(pending | catching),
            self.status.count.eq(count),
            self.status.holds.eq(at_holds),
            self.status.label.eq(label),
            self.status.threshold.eq(self.threshold),
            self.status.own.eq(~self.threshold.all()),
        ]
        return m


def _limit(value: Value, bits: int) -> Value:
    """A threshold from COMMIT_THRESHOLD's value: all ones where bit 31 is 0, else at most one less."""
    beyond = value[bits:31].any() | value[:bits].all()
    return Mux(value[31], Cat(value[0] & ~beyond, value[1:bits] | beyond.replicate(bits - 1)), -1)
