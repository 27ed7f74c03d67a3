"""The request that the link's engine has at hand: its bytes as they come, and what became of it."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream

from ...numerics.link import ANSWER, HOLD, MORE, REFUSED, SPIKES, Reason
from .answers import AnswerStore
from .plan import LinkPlan


class Request:
    """Signals that all states of the engine share; `answers` takes the bytes of the answer.

    A byte of the payload comes every 3 clocks at most, from a register, and so does what depends on the
    number of bytes left. A state asks for one with `want`; in a clock with `taken` it is `payload`, and in
    the next one, with `leaves`, it leaves its stream.

    Signals: `sequence`, `kind`, of which `more`, `wanted` (output spikes are) and `hold` are flags; `left`
    (bytes of the payload to come), with `some`, `one` and `none` (left, a clock late); `index` (for the
    states' use, 0 between requests); `refused` with its `reason`; `repeated` (its answer is kept), `silent`
    (no answer is due).
    """

    def __init__(self, plan: LinkPlan, answers: AnswerStore):
        self.answers = answers
        self.sequence, self.kind = Signal(8), Signal(8)
        self.left = Signal(range(plan.buffer_bytes))
        self.index = Signal(2)
        self.refused, self.reason = Signal(), Signal(Reason, reset_less=True)
        self.repeated, self.silent = Signal(), Signal()
        self.more, self.wanted, self.hold = Signal(), Signal(), Signal()
        self.want, self.come, self.taken, self.leaves = Signal(), Signal(), Signal(), Signal()
        self.payload = Signal(8, reset_less=True)
        self.some, self.one, self.none = Signal(), Signal(), Signal()

    def connect(self, m: Module, i: stream.Interface) -> None:
        """Take the bytes from stream `i`, and tell the store whose answer it is."""
        settled = Signal()
        m.d.comb += [
            self.more.eq((self.kind & MORE).any()),
            self.wanted.eq((self.kind & SPIKES).any()),
            self.hold.eq((self.kind & HOLD).any()),
            self.answers.sequence.eq(self.sequence),
            self.answers.kind.eq(Mux(self.refused, REFUSED | self.reason, ANSWER | self.kind[:6])),
            i.ready.eq(self.leaves),
            self.taken.eq(self.come & self.want),
            self.none.eq(~self.some & settled),
        ]
        m.d.sync += [
            self.payload.eq(i.payload),
            self.come.eq(i.valid & ~self.taken & ~self.leaves),
            self.leaves.eq(self.taken),
        ]
        m.d.sync += [settled.eq(~self.taken), self.some.eq(self.left.any()), self.one.eq(self.left == 1)]
        with m.If(self.taken):
            m.d.sync += self.left.eq(self.left - 1)

    def put(self, m: Module, byte) -> None:
        """Add a byte to the answer."""
        m.d.comb += [self.answers.data.eq(byte), self.answers.put.eq(1)]

    def refuse(self, m: Module, why: Reason) -> None:
        """Refuse it: the next state swallows the rest of it."""
        m.d.sync += [self.refused.eq(1), self.reason.eq(why)]
        m.next = "Skip"
