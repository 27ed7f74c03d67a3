"""Executes the link's requests, each once."""

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...numerics.link import NONCE_BYTES, Op, Reason
from ..bus.register_file import PORT
from ..parts.events import AXIS
from .answers import AnswerStore
from .frames import FrameRun
from .plan import LinkPlan
from .registers import RegisterAccess
from .request import Request


class LinkEngine(wiring.Component):
    """One request at a time: reads its entry, drives registers or a frame, has the answer sent.

    A request that was answered among the last ones is answered again and not executed again. One that is
    neither the next nor such a one is refused, once, and others like it are swallowed until the next one
    comes. OPEN is always executed and starts a new sequence; a frame that was begun and never finished is
    then finished, and its result thrown away. A core that stands still for 2^patience_bits clocks ends
    a request with TIMEOUT, and further frames until OPEN, which then resets the core.

    A byte of a request takes 3 clocks, a word of an answer 5; a frame waits for the core's result.

    Members: `i` (In stream of entries, see LinkReceiver), `o` (Out stream of answers, for LinkSender),
    `registers` (Out, of register_file.PORT), `events` (Out stream of event words), `spikes` (In stream of
    event words), `result` (In stream without payload: a result was given), with `plan.pixels` also `pixels`
    (Out stream of AXIS: a pixel, and `last` with a frame's last one), `alive` (Out: toggles with each
    answer).
    """

    def __init__(self, plan: LinkPlan):
        self._plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(AXIS)),
                "registers": Out(PORT),
                "events": Out(stream.Signature(AXIS)),
                "spikes": In(stream.Signature(AXIS)),
                "result": In(stream.Signature(0)),
                "alive": Out(1),
                **({"pixels": Out(stream.Signature(AXIS))} if plan.pixels else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.answers = answers = AnswerStore(self._plan)
        wiring.connect(m, answers.o, wiring.flipped(self.o))
        request = Request(self._plan, answers)
        registers = RegisterAccess(self._plan, request, self.registers)
        frames = FrameRun(self._plan, request, registers)
        request.connect(m, self.i)
        registers.connect(m)
        frames.connect(m, self)
        with m.FSM() as fsm:
            fits = Signal()
            self._judge(m, request, frames, fits)
            self._start(m, request, fits)
            self._open(m, request, registers, frames)
            registers.states(m)
            frames.states(m)
            self._end(m, request)
        frames.connect_spikes(m, fsm)
        return m

    def _judge(self, m, request, frames, fits):
        """Take the head of an entry, and decide whether the request is the next, an earlier one, or wrong."""
        left, index, sequence = request.left, request.index, request.sequence
        expected, behind = Signal(8), Signal(8)
        with m.State("Head"):
            # A result that nobody asked for, or asked for too long ago, is thrown away.
            m.d.comb += [request.want.eq(1), self.result.ready.eq(1), request.answers.clear.eq(1)]
            m.d.sync += [request.refused.eq(0), request.repeated.eq(0), request.silent.eq(0)]
            with m.If(request.come):
                m.d.sync += index.eq(index + 1)
                with m.Switch(index):
                    with m.Case(0):
                        m.d.sync += left.eq(request.payload)
                    with m.Case(1):
                        m.d.sync += left.eq(Cat(left[:8], request.payload))
                    with m.Case(2):
                        m.d.sync += [sequence.eq(request.payload), left.eq(left)]
                    with m.Case(3):
                        m.d.sync += [request.kind.eq(request.payload), left.eq(left)]
                        m.d.sync += behind.eq(expected - sequence)
                        m.next = "Compare"
        kept = Signal(range(self._plan.kept_answers))  # answers that can be given again
        complained, opens, follows, repeats = Signal(), Signal(), Signal(), Signal()
        with m.State("Compare"):
            m.d.sync += [
                opens.eq(request.kind[:3] == Op.OPEN),
                follows.eq(behind == 0),
                repeats.eq(behind <= kept),
                fits.eq(self._fits(m, request, frames)),
            ]
            frames.aim(m)
            m.next = "Judge"
        with m.State("Judge"):
            with m.If(opens | follows):
                m.d.sync += [expected.eq(sequence + 1), complained.eq(0)]
                with m.If(opens):
                    m.d.sync += kept.eq(1)
                with m.Elif(kept != self._plan.kept_answers - 1):
                    m.d.sync += kept.eq(kept + 1)
                m.next = "Start"
            with m.Elif(repeats):
                m.d.sync += request.repeated.eq(1)
                m.next = "Skip"
            with m.Else():
                # The refusal lies in the place of the request that is expected, which is not in use.
                m.d.sync += [request.silent.eq(complained), complained.eq(1)]
                m.d.sync += sequence.eq(expected)
                request.refuse(m, Reason.SEQUENCE)

    def _fits(self, m, request, frames):
        """Whether the payload has a length that its operation can have; checked before anything happens."""
        left, fits = request.left, Signal()
        with m.Switch(request.kind[:3]):
            with m.Case(Op.OPEN):
                m.d.comb += fits.eq(left == NONCE_BYTES)
            with m.Case(Op.READ):
                m.d.comb += fits.eq(left == 3)
            with m.Case(Op.WRITE):
                m.d.comb += fits.eq(left[:2] == 2)
            with m.Default():
                # Spikes of a frame in parts would belong to an answer that is yet to come.
                m.d.comb += fits.eq(left.any() & ~(request.wanted & (request.more | frames.begun)))
        return fits

    def _start(self, m, request, fits):
        """Choose what to do."""
        states = {Op.OPEN: "Nonce", Op.READ: "Address", Op.WRITE: "Address", Op.EVENTS: "Frame"}
        if self._plan.pixels:
            states[Op.PIXELS] = "Frame"
        with m.State("Start"), m.Switch(request.kind[:3]):
            for operation, state in states.items():
                with m.Case(operation):
                    m.next = state
                    with m.If(~fits):
                        request.refuse(m, Reason.LENGTH)
            with m.Default():
                request.refuse(m, Reason.UNKNOWN)

    def _open(self, m, request, registers, frames):
        """The host's number and the facts of the link; then a frame that was left in the core is ended."""
        facts = self._plan.opened.pack()
        fact = Signal(range(len(facts) + 1))
        with m.State("Nonce"):
            m.d.comb += request.want.eq(1)
            m.d.sync += fact.eq(0)
            with m.If(request.come):
                request.put(m, request.payload)
                with m.If(request.one):
                    m.next = "Facts"
        with m.State("Facts"):
            m.d.sync += fact.eq(fact + 1)
            frames.aim_at_begun(m)
            for at, value in enumerate(facts):
                with m.If(fact == at):
                    request.put(m, C(value, 8))
            with m.If(fact == len(facts) - 1):
                m.next = "Close"
                with m.If(frames.stuck):
                    m.d.sync += [registers.word.eq(1), registers.address.eq(self._plan.control_address)]
                    m.next = "Reset"
                with m.Elif(frames.begun):
                    m.next = "Abort"

    def _end(self, m, request):
        """The rest of a refused request is swallowed; then the answer is sent."""
        answers = request.answers
        with m.State("Skip"):
            m.d.comb += [request.want.eq(request.some), answers.clear.eq(1)]
            with m.If(request.none):
                m.next = "Close"
                with m.If(request.repeated):
                    m.d.comb += answers.again.eq(1)
                    m.next = "Send"
                with m.Elif(request.silent):
                    m.next = "Head"
        with m.State("Close"):
            m.d.comb += answers.finish.eq(1)
            m.next = "Send"
        with m.State("Send"):
            m.d.sync += request.index.eq(0)
            with m.If(answers.done):
                m.d.sync += self.alive.eq(~self.alive)
                m.next = "Head"
