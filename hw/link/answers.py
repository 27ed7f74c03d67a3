"""The last answers of the link, kept to be sent, and sent again if a request comes twice."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..parts.events import AXIS
from .plan import ANSWER_HEAD, LENGTH_BYTES, LinkPlan


class AnswerStore(wiring.Component):
    """Keeps the last answers; `sequence` modulo their number chooses the place of one.

    Bytes of a payload are put a clock each, after a `clear`. `finish` adds the head and sends the answer,
    `again` sends what is kept as it is; `done` is high in the clock of the last byte. A byte takes 2 clocks.
    What is asked for happens a clock later, for short paths.

    Members: `sequence`, `kind` (In 8), `clear`, `put`, `finish`, `again` (In, for a clock), `data` (In 8),
    `done` (Out), `o` (Out stream of bytes, `last` with an answer's last one).
    """

    def __init__(self, plan: LinkPlan):
        self._plan = plan
        super().__init__(
            {
                "sequence": In(8),
                "kind": In(8),
                "clear": In(1),
                "put": In(1),
                "data": In(8),
                "finish": In(1),
                "again": In(1),
                "done": Out(1),
                "o": Out(stream.Signature(AXIS)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan, o = self._plan, self.o
        m.submodules.memory = memory = Memory(shape=8, depth=plan.kept_answers * plan.kept_bytes, init=[])
        write, read = memory.write_port(), memory.read_port()
        at, end = Signal(range(plan.kept_bytes)), Signal(range(plan.kept_bytes))
        place = Cat(at, self.sequence[: (plan.kept_answers - 1).bit_length()])
        labelling, final = Signal(), Signal()
        put, data = Signal(), Signal(8, reset_less=True)
        clear, finish, again = Signal(), Signal(), Signal()
        m.d.sync += [
            put.eq(self.put),
            data.eq(self.data),
            clear.eq(self.clear),
            finish.eq(self.finish),
            again.eq(self.again),
        ]
        m.d.comb += [
            write.addr.eq(place),
            write.data.eq(data),
            write.en.eq(put | labelling),
            read.addr.eq(place),
            o.p.data.eq(read.data),
            o.p.last.eq(final),
        ]
        with m.FSM():
            with m.State("Put"):
                with m.If(clear):
                    m.d.sync += at.eq(ANSWER_HEAD)
                with m.Elif(put):
                    m.d.sync += at.eq(at + 1)
                with m.If(finish):
                    m.d.sync += [end.eq(at - 1), at.eq(0)]
                    m.next = "Label"
                with m.Elif(again):
                    m.d.sync += at.eq(0)
                    m.next = "Low"
            with m.State("Label"):
                m.d.comb += labelling.eq(1)
                m.d.sync += at.eq(at + 1)
                with m.Switch(at):
                    with m.Case(0):
                        m.d.comb += write.data.eq(end[:8])
                    with m.Case(1):
                        m.d.comb += write.data.eq(end[8:])
                    with m.Case(2):
                        m.d.comb += write.data.eq(self.sequence)
                    with m.Default():
                        m.d.comb += write.data.eq(self.kind)
                        m.d.sync += at.eq(0)
                        m.next = "Low"
            with m.State("Low"):
                m.d.sync += at.eq(1)
                m.next = "High"
            with m.State("High"):
                m.d.sync += [end.eq(read.data), at.eq(LENGTH_BYTES)]
                m.next = "First"
            with m.State("First"):
                m.d.sync += end.eq(Cat(end[:8], read.data))
                m.next = "Fetch"
            with m.State("Fetch"):
                m.d.sync += final.eq(at == end)
                m.next = "Offer"
            with m.State("Offer"):
                m.d.comb += [o.valid.eq(1), self.done.eq(o.ready & o.p.last)]
                with m.If(o.ready):
                    m.d.sync += at.eq(at + 1)
                    m.next = "Fetch"
                    with m.If(o.p.last):
                        m.next = "Put"
        return m
