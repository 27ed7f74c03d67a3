"""Executes the link's requests, each once."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..numerics.link import ANSWER, HOLD, MORE, NONCE_BYTES, REFUSED, SPIKES, STEP_ENDS, Op, Reason
from .events import AXIS
from .link_answers import AnswerStore
from .link_events import EventUnpacker
from .link_plan import LinkPlan
from .link_spikes import SpikePacker
from .register_file import PORT


class LinkEngine(wiring.Component):
    """One request at a time: reads its entry, drives registers or a frame, has the answer sent.

    A request that was answered among the last ones is answered again and not executed again. One that is
    neither the next nor such a one is refused, once, and others like it are swallowed until the next one
    comes. OPEN is always executed and starts a new sequence; a frame that was begun and never finished is
    then finished, and its result thrown away. A core that stands still for 2^patience_bits clocks ends
    a request with TIMEOUT, and further frames until OPEN, which then resets the core.

    A byte of a request takes 2 clocks, a word of an answer 5; a frame waits for the core's result.

    Members: `i` (In stream of entries, see LinkReceiver), `o` (Out stream of answers, for LinkSender),
    `registers` (Out, of register_file.PORT), `events` (Out stream of event words), `spikes` (In stream of
    event words), `result` (In stream without payload: a result was given), with `plan.pixels` also `pixels`
    (Out stream of AXIS: a pixel, and `last` with a frame's last one), `alive` (Out: toggles with each
    answer).
    """

    def __init__(self, plan: LinkPlan):
        self._plan = plan
        super().__init__({
            "i": In(stream.Signature(8)), "o": Out(stream.Signature(AXIS)), "registers": Out(PORT),
            "events": Out(stream.Signature(AXIS)), "spikes": In(stream.Signature(AXIS)),
            "result": In(stream.Signature(0)), "alive": Out(1),
            **({"pixels": Out(stream.Signature(AXIS))} if plan.pixels else {}),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        plan, i = self._plan, self.i
        m.submodules.answers = self._answers = answers = AnswerStore(plan)
        wiring.connect(m, answers.o, wiring.flipped(self.o))
        m.submodules.packer = self._packer = packer = SpikePacker(plan.outputs)
        wiring.connect(m, wiring.flipped(self.spikes), packer.i)

        # The request, and what became of it.
        self._sequence, self._kind = sequence, kind = Signal(8), Signal(8)
        self._left = left = Signal(range(plan.buffer_bytes))  # bytes of its payload to come
        self._index = Signal(2)
        self._refused, self._reason = Signal(), Signal(Reason, reset_less=True)
        self._repeated, self._silent = Signal(), Signal()
        self._more, self._wanted, self._hold = Signal(), Signal(), Signal()
        m.d.comb += [
            self._more.eq((kind & MORE).any()),
            self._wanted.eq((kind & SPIKES).any()),
            self._hold.eq((kind & HOLD).any()),
            answers.sequence.eq(sequence),
            answers.kind.eq(Mux(self._refused, REFUSED | self._reason, ANSWER | kind[:6])),
        ]
        # A byte every 2 clocks at most: it comes from a register, and so does what depends on `left`.
        self._want, self._come, self._taken, settled = Signal(), Signal(), Signal(), Signal()
        self._payload = Signal(8, reset_less=True)
        self._some, self._one, self._none = Signal(), Signal(), Signal()
        m.d.comb += [
            i.ready.eq(self._taken),
            self._taken.eq(self._come & self._want),
            self._none.eq(~self._some & settled),
        ]
        m.d.sync += [self._payload.eq(i.payload), self._come.eq(i.valid & ~self._taken)]
        m.d.sync += [settled.eq(~self._taken), self._some.eq(left.any()), self._one.eq(left == 1)]
        with m.If(self._taken):
            m.d.sync += left.eq(left - 1)

        # The next word of a burst of registers.
        port = self.registers
        self._address = Signal(len(port.read_address))
        self._word = Signal(32, reset_less=True)
        m.d.comb += [
            port.read_address.eq(self._address), port.write_address.eq(self._address),
            port.write_data.eq(self._word), port.write_mask.eq(0b1111),
        ]  # fmt: skip

        # The frame: begun and not ended (with pixels); a core that stands still; the next byte of it.
        self._begun, self._begun_pixels, self._stuck = Signal(), Signal(), Signal()
        self._byte, self._byte_valid, self._byte_ready = Signal(AXIS), Signal(), Signal()
        self._to_pixels = Signal()
        m.submodules.unpacker = self._unpacker = unpacker = EventUnpacker()
        wiring.connect(m, unpacker.o, wiring.flipped(self.events))
        m.d.comb += [
            unpacker.i.p.eq(self._byte),
            unpacker.i.valid.eq(self._byte_valid & ~self._to_pixels),
            self._byte_ready.eq(unpacker.i.ready),
        ]
        if plan.pixels:
            m.d.comb += [
                self.pixels.p.eq(self._byte),
                self.pixels.valid.eq(self._byte_valid & self._to_pixels),
            ]
            with m.If(self._to_pixels):
                m.d.comb += self._byte_ready.eq(self.pixels.ready)
        patience, self._waiting, self._impatient = Signal(plan.patience_bits + 1), Signal(), Signal()
        m.d.comb += self._impatient.eq(patience[-1])
        m.d.sync += patience.eq(Mux(self._waiting & ~self._taken, patience + 1, 0))

        with m.FSM() as fsm:
            self._head(m)
            self._judge(m)
            self._start(m)
            self._open(m)
            self._registers(m)
            self._abort(m)
            self._frame(m)
            self._end(m)

        # Spikes of a frame; nothing else is stored while they come.
        frame = fsm.ongoing("Frame") | fsm.ongoing("Wait")
        m.d.comb += [packer.enable.eq(frame & self._wanted), packer.o.ready.eq(1)]
        with m.If(packer.o.valid):
            self._put(m, packer.o.payload)
        return m

    def _put(self, m, byte):
        m.d.comb += [self._answers.data.eq(byte), self._answers.put.eq(1)]

    def _refuse(self, m, why):
        m.d.sync += [self._refused.eq(1), self._reason.eq(why)]
        m.next = "Skip"

    def _head(self, m):
        left, index = self._left, self._index
        self._expected, self._behind = Signal(8), Signal(8)
        with m.State("Head"):
            # A result that nobody asked for, or asked for too long ago, is thrown away.
            m.d.comb += [self._want.eq(1), self.result.ready.eq(1), self._answers.clear.eq(1)]
            m.d.sync += [self._refused.eq(0), self._repeated.eq(0), self._silent.eq(0)]
            with m.If(self._come):
                m.d.sync += index.eq(index + 1)
                with m.Switch(index):
                    with m.Case(0):
                        m.d.sync += left.eq(self._payload)
                    with m.Case(1):
                        m.d.sync += left.eq(Cat(left[:8], self._payload))
                    with m.Case(2):
                        m.d.sync += [self._sequence.eq(self._payload), left.eq(left)]
                    with m.Case(3):
                        m.d.sync += [self._kind.eq(self._payload), left.eq(left)]
                        m.d.sync += self._behind.eq(self._expected - self._sequence)
                        m.next = "Judge"

    def _judge(self, m):
        kept = Signal(range(self._plan.slots))  # answers that can be given again
        complained = Signal()
        with m.State("Judge"):
            opens = self._kind[:3] == Op.OPEN
            with m.If(opens | (self._behind == 0)):
                m.d.sync += [self._expected.eq(self._sequence + 1), complained.eq(0)]
                with m.If(opens):
                    m.d.sync += kept.eq(1)
                with m.Elif(kept != self._plan.slots - 1):
                    m.d.sync += kept.eq(kept + 1)
                m.next = "Start"
            with m.Elif(self._behind <= kept):
                m.d.sync += self._repeated.eq(1)
                m.next = "Skip"
            with m.Else():
                # The refusal lies in the slot of the request that is expected, which is not in use.
                m.d.sync += [self._silent.eq(complained), complained.eq(1)]
                m.d.sync += self._sequence.eq(self._expected)
                self._refuse(m, Reason.SEQUENCE)

    def _start(self, m):
        """Choose what to do; lengths are checked before anything happens."""
        left = self._left

        def case(op, state, good):
            with m.Case(op):
                m.next = state
                with m.If(~good):
                    self._refuse(m, Reason.LENGTH)

        # Spikes of a frame in parts would belong to an answer that is yet to come.
        frame = left.any() & ~(self._wanted & (self._more | self._begun))
        with m.State("Start"), m.Switch(self._kind[:3]):
            case(Op.OPEN, "Nonce", left == NONCE_BYTES)
            case(Op.READ, "Address", left == 3)
            case(Op.WRITE, "Address", left[:2] == 2)
            case(Op.EVENTS, "Frame", frame)
            if self._plan.pixels:
                case(Op.PIXELS, "Frame", frame)
            with m.Default():
                self._refuse(m, Reason.UNKNOWN)

    def _open(self, m):
        plan = self._plan
        facts = plan.opened.pack()
        fact = Signal(range(len(facts) + 1))
        with m.State("Nonce"):
            m.d.comb += self._want.eq(1)
            m.d.sync += fact.eq(0)
            with m.If(self._come):
                self._put(m, self._payload)
                with m.If(self._one):
                    m.next = "Facts"
        with m.State("Facts"):
            m.d.sync += fact.eq(fact + 1)
            for at, value in enumerate(facts):
                with m.If(fact == at):
                    self._put(m, C(value, 8))
            with m.If(fact == len(facts) - 1):
                m.next = "Close"
                with m.If(self._stuck):
                    m.d.sync += [self._word.eq(1), self._address.eq(plan.control_address)]
                    m.next = "Reset"
                with m.Elif(self._begun):
                    m.next = "Abort"

    def _abort(self, m):
        """What an earlier session left in the core is brought to its end."""
        with m.State("Reset"):
            m.d.comb += [self.registers.write.eq(1), self._unpacker.clear.eq(1)]
            m.d.sync += [self._stuck.eq(0), self._begun.eq(0), self._begun_pixels.eq(0)]
            m.next = "Close"
        with m.State("Abort"):
            # Events: a last TICK. Pixels: a last one, too early: the frame is dropped and has no result.
            m.d.comb += [
                self._waiting.eq(1),
                self._to_pixels.eq(self._begun_pixels),
                self._byte.data.eq(STEP_ENDS),
                self._byte.last.eq(1),
                self._byte_valid.eq(1),
            ]
            with m.If(self._byte_ready):
                m.next = "Dropped"
            with m.Elif(self._impatient):
                m.d.sync += self._stuck.eq(1)
                m.next = "Close"
        with m.State("Dropped"):
            m.d.comb += [self._waiting.eq(1), self.result.ready.eq(1)]
            with m.If(self.result.valid | self._begun_pixels):
                m.d.sync += [self._begun.eq(0), self._begun_pixels.eq(0)]
                m.next = "Close"
            with m.Elif(self._impatient):
                m.d.sync += self._stuck.eq(1)
                m.next = "Close"

    def _registers(self, m):
        port, index = self.registers, self._index
        address, left, word = self._address, self._left, self._word
        with m.State("Address"):
            m.d.comb += self._want.eq(1)
            with m.If(self._come):
                m.d.sync += [address.eq(Cat(address[-8:], self._payload)), index.eq(index + 1)]
                with m.If(index == 0):
                    m.d.sync += address[-8:].eq(self._payload)
                with m.Else():
                    m.d.sync += index.eq(0)
                    m.next = "Write"
                    with m.If(self._kind[:3] == Op.READ):
                        m.next = "Words"
        with m.State("Words"):
            m.d.comb += self._want.eq(1)
            with m.If(self._come):
                m.d.sync += left.eq(self._payload)  # words, from here on
                m.next = "Read"
                with m.If(self._payload > self._plan.answer_words):
                    m.d.sync += left.eq(0)
                    self._refuse(m, Reason.LENGTH)
        with m.State("Read"):
            m.d.comb += port.read.eq(left.any())
            m.next = "Store"
            with m.If(~left.any()):
                m.next = "Close"
        with m.State("Store"):
            self._put(m, port.read_data.word_select(index, 8))
            m.d.sync += index.eq(index + 1)
            with m.If(index == 3):
                m.d.sync += [address.eq(address + ~self._hold), left.eq(left - 1)]
                m.next = "Read"
        with m.State("Write"):
            m.d.comb += self._want.eq(self._some)
            with m.If(self._none):
                m.next = "Close"
            with m.Elif(self._come):
                m.d.sync += [word.eq(Cat(word[8:], self._payload)), index.eq(index + 1)]
                with m.If(index == 3):
                    m.next = "Written"
        with m.State("Written"):
            m.d.comb += port.write.eq(1)
            m.d.sync += address.eq(address + ~self._hold)
            m.next = "Write"

    def _frame(self, m):
        """Its bytes go to the core; then, unless there is MORE, its result is awaited."""
        with m.State("Frame"):
            goes = self._some & ~self._stuck
            m.d.comb += [
                self._waiting.eq(1),
                self._to_pixels.eq(self._kind[:3] == Op.PIXELS),
                self._byte.data.eq(self._payload),
                self._byte.last.eq(self._one & ~self._more),
                self._byte_valid.eq(self._come & goes),
                self._want.eq(self._byte_ready & goes),
            ]
            with m.If(self._taken):
                m.d.sync += [self._begun.eq(1), self._begun_pixels.eq(self._to_pixels)]
            with m.If(self._impatient | self._stuck):
                self._give_up(m)
            with m.Elif(self._none):
                m.next = "Close"
                with m.If(~self._more):
                    m.next = "Wait"
        # The answer ends with a burst of registers.
        with m.State("Wait"):
            m.d.comb += [
                self._waiting.eq(1),
                self.result.ready.eq(self._packer.done | ~self._wanted),
            ]
            m.d.sync += [
                self._address.eq(self._plan.record_address),
                self._index.eq(0),
            ]
            with m.If(self.result.valid & self.result.ready):
                m.d.sync += self._left.eq(self._plan.record_words)
                m.d.sync += [self._kind.eq(self._kind & ~HOLD)]
                m.d.sync += [self._begun.eq(0), self._begun_pixels.eq(0)]
                m.next = "Read"
            with m.Elif(self._impatient):
                self._give_up(m)

    def _give_up(self, m):
        m.d.comb += self._unpacker.clear.eq(1)
        m.d.sync += self._stuck.eq(1)
        self._refuse(m, Reason.TIMEOUT)

    def _end(self, m):
        """The rest of a refused request is swallowed; then the answer is sent."""
        answers = self._answers
        with m.State("Skip"):
            m.d.comb += [self._want.eq(self._some), answers.clear.eq(1)]
            with m.If(self._none):
                m.next = "Close"
                with m.If(self._repeated):
                    m.d.comb += answers.again.eq(1)
                    m.next = "Send"
                with m.Elif(self._silent):
                    m.next = "Head"
        with m.State("Close"):
            m.d.comb += answers.finish.eq(1)
            m.next = "Send"
        with m.State("Send"):
            m.d.sync += self._index.eq(0)
            with m.If(answers.done):
                m.d.sync += self.alive.eq(~self.alive)
                m.next = "Head"
