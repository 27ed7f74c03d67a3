"""EVENTS and PIXELS of the link: a frame into the core, its output spikes and its record back."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring

from ...numerics.link import HOLD, STEP_ENDS, Op, Reason
from ..parts.events import AXIS
from .events import EventUnpacker
from .plan import LinkPlan
from .registers import RegisterAccess
from .request import Request
from .spikes import SpikePacker


class FrameRun:
    """States of the engine: `Frame` goes on in `Read` with the record's registers, `Abort` in `Close`.

    `begun`: words of a frame are in the core, and its end is not. `stuck`: the core stood still for
    2^patience_bits clocks; frames are refused until `Reset` has passed, which resets the core.
    """

    def __init__(self, plan: LinkPlan, request: Request, registers: RegisterAccess):
        self._plan, self._request, self._registers = plan, request, registers
        self.begun, self.stuck = Signal(), Signal()
        self._begun_pixels, self._to_pixels = Signal(), Signal()
        self._byte, self._byte_valid, self._byte_ready = Signal(AXIS), Signal(), Signal()
        self._waiting, self._impatient = Signal(), Signal()

    def connect(self, m: Module, engine) -> None:
        """Connect the streams of `engine` (see LinkEngine) with what is between them and the link's bytes."""
        plan = self._plan
        m.submodules.packer = self._packer = packer = SpikePacker(plan.outputs)
        m.submodules.unpacker = self._unpacker = unpacker = EventUnpacker(values=plan.values)
        wiring.connect(m, wiring.flipped(engine.spikes), packer.i)
        wiring.connect(m, unpacker.o, wiring.flipped(engine.events))
        self._result = engine.result
        m.d.comb += [
            unpacker.i.p.eq(self._byte),
            unpacker.i.valid.eq(self._byte_valid & ~self._to_pixels),
            self._byte_ready.eq(unpacker.i.ready),
        ]
        if plan.pixels:
            m.d.comb += [
                engine.pixels.p.eq(self._byte),
                engine.pixels.valid.eq(self._byte_valid & self._to_pixels),
            ]
            with m.If(self._to_pixels):
                m.d.comb += self._byte_ready.eq(engine.pixels.ready)
        patience = Signal(plan.patience_bits + 1)
        m.d.comb += self._impatient.eq(patience[-1])
        m.d.sync += patience.eq(Mux(self._waiting & ~self._request.leaves, patience + 1, 0))

    def connect_spikes(self, m: Module, fsm) -> None:
        """Output spikes go into the answer while a frame runs; nothing else is stored then."""
        frame = fsm.ongoing("Frame") | fsm.ongoing("Wait")
        packer = self._packer
        m.d.comb += [packer.enable.eq(frame & self._request.wanted), packer.o.ready.eq(1)]
        with m.If(packer.o.valid):
            self._request.put(m, packer.o.payload)

    def aim(self, m: Module) -> None:
        """Choose where `Frame`'s bytes go, a clock or more before."""
        m.d.sync += self._to_pixels.eq(self._request.kind[:3] == Op.PIXELS)

    def aim_at_begun(self, m: Module) -> None:
        """Choose the frame that was begun for `Abort`, a clock before."""
        m.d.sync += self._to_pixels.eq(self._begun_pixels)

    def states(self, m: Module) -> None:
        """Add the states; to be called inside the engine's FSM."""
        self._frame(m)
        self._abort(m)

    def _frame(self, m):
        """Its bytes go to the core; then, unless there is MORE, its result is awaited."""
        request, registers = self._request, self._registers
        with m.State("Frame"):
            goes = request.some & ~self.stuck
            m.d.comb += [
                self._waiting.eq(1),
                self._byte.data.eq(request.payload),
                self._byte.last.eq(request.one & ~request.more),
                self._byte_valid.eq(request.come & goes),
                request.want.eq(self._byte_ready & goes),
            ]
            with m.If(request.leaves):
                m.d.sync += [self.begun.eq(1), self._begun_pixels.eq(self._to_pixels)]
            with m.If(self._impatient | self.stuck):
                self._give_up(m)
            with m.Elif(request.none):
                m.next = "Close"
                with m.If(~request.more):
                    m.next = "Wait"
        with m.State("Wait"):
            m.d.comb += self._waiting.eq(1)
            with m.If(self._result.valid & (self._packer.done | ~request.wanted)):
                m.next = "Given"
            with m.Elif(self._impatient):
                self._give_up(m)
        # The answer ends with a burst of registers.
        with m.State("Given"):
            m.d.comb += self._result.ready.eq(1)
            m.d.sync += [
                registers.address.eq(self._plan.record_address),
                request.index.eq(0),
                request.left.eq(self._plan.record_words),
                request.kind.eq(request.kind & ~HOLD),
                self.begun.eq(0),
                self._begun_pixels.eq(0),
            ]
            m.next = "Read"

    def _give_up(self, m):
        m.d.comb += self._unpacker.clear.eq(1)
        m.d.sync += self.stuck.eq(1)
        self._request.refuse(m, Reason.TIMEOUT)

    def _abort(self, m):
        """What an earlier session left in the core is brought to its end."""
        with m.State("Reset"):
            # `registers` are set to write CONTROL.
            self._registers.write(m)
            m.d.comb += self._unpacker.clear.eq(1)
            m.d.sync += [self.stuck.eq(0), self.begun.eq(0), self._begun_pixels.eq(0)]
            m.next = "Close"
        with m.State("Abort"):
            # Events: a last TICK. Pixels: a last one, too early: the frame is dropped and has no result.
            m.d.comb += [
                self._waiting.eq(1),
                self._byte.data.eq(STEP_ENDS),
                self._byte.last.eq(1),
                self._byte_valid.eq(1),
            ]
            with m.If(self._byte_ready):
                m.next = "Dropped"
            with m.Elif(self._impatient):
                m.d.sync += self.stuck.eq(1)
                m.next = "Close"
        with m.State("Dropped"):
            m.d.comb += [self._waiting.eq(1), self._result.ready.eq(1)]
            with m.If(self._result.valid | self._begun_pixels):
                m.d.sync += [self.begun.eq(0), self._begun_pixels.eq(0)]
                m.next = "Close"
            with m.Elif(self._impatient):
                m.d.sync += self.stuck.eq(1)
                m.next = "Close"
