"""The core with registers: a processor can drive it over a bus while its streams stay available."""

from amaranth.hdl import Cat, Const, Module, Mux, ResetInserter, Signal
from amaranth.lib import data, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ...numerics.errors import TwinspikeError
from ..core.ingress import ERRORS
from ..core.signature import RESULT_BITS, axis
from ..parts.events import AXIS
from ..parts.skid import Skid
from ..plan import CorePlan
from ..readout.result import RESULT
from ..readout.slots import COMMAND, STATUS, TO_COMMAND, TO_REFERENCE_AT, TO_STAGE, TO_THRESHOLD
from ..readout.slots import ERRORS as REFUSALS
from .frame_select import FrameSelect
from .graded_encoder import pixel_encoder
from .monitor import FrameMonitor
from .pixel_encoder import PIXEL
from .register_file import PORT, RegisterFile
from .soft_core import SoftCore

EVENT_DEPTH = 64


class Control(wiring.Component):
    """A core between an event port and result registers, with its streams beside them.

    Frames come from the EVENT register, from pixels (where the plan has them) and from `s_axis`, one
    whole frame at a time from either; where several wait, they go in this order. Results go to the registers
    and to `m_result`, where `same` follows the THRESHOLD register for references without a threshold of their
    own. Latency: a clock before each frame,
    then none into the core, 1 clock from the core's result to `m_result` and the registers; a result
    every 2 clocks at most.

    Members: `registers` (In, of register_file.PORT), `irq` (Out), `s_axis`, `m_axis`, `m_result` as of
    the core; with pixels also `s_pixel` (see PixelEncoder); with SPRAM weights also `s_load`, and `reload`
    (Out, for a clock: the image is asked for again). Cores that take several events per clock have no such
    wrapper (TwinspikeError): a bus is too slow for them.
    """

    def __init__(self, plan: CorePlan, *, module: str | None = None, event_depth: int = EVENT_DEPTH):
        check_bus(plan)
        self._plan = plan
        self._module = module
        self._depth = event_depth
        super().__init__(control_members(plan) | {"registers": In(PORT)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = registers = RegisterFile(self._plan)
        m.submodules.core = core = SoftCore(self._plan, self._module)
        wiring.connect(m, wiring.flipped(self.registers), registers.port)
        soft, found = Signal(), Signal.like(registers.status.ERRORS)
        m.d.sync += soft.eq(registers.written.CONTROL.soft_reset)
        m.d.comb += core.soft_reset.eq(soft)

        m.submodules.monitor = monitor = ResetInserter(soft)(FrameMonitor(self._plan.network.timesteps))
        m.submodules.select = select = ResetInserter(soft)(FrameSelect(3 if self._plan.pixels else 2))
        if self._plan.loads:
            self._load(m, core, monitor, select, registers, found, soft)
        else:
            m.d.comb += registers.status.STATUS.weights_loaded.eq(1)
        busy = self._events(m, core, monitor, select, registers, found, soft)
        self._results(m, core, monitor, registers, soft)
        self._errors(m, core, registers, found, soft)
        for name in ("m_axis_tdata", "m_axis_tlast", "m_axis_tvalid"):
            m.d.comb += getattr(self, name).eq(getattr(core, name))
        m.d.comb += core.m_axis_tready.eq(self.m_axis_tready)
        if self._plan.slots:
            self._commands(m, core, registers, found, soft)
        if self._plan.step_timer:
            self._timer(m, core, select, registers)

        status, enable = registers.status, registers.stored.INTERRUPT
        m.d.comb += [
            status.STATUS.busy.eq(monitor.busy | busy),
            status.FRAMES.frames.eq(monitor.frames),
            status.CYCLES.cycles.eq(monitor.cycles),
        ]
        m.d.sync += self.irq.eq(
            (enable.on_result & status.STATUS.result) | (enable.on_error & status.ERRORS.as_value().any())
        )
        return m

    def _events(self, m, core, monitor, select, registers, found, soft):
        """Frames from wherever they come into the core; returns whether any waits."""
        fifo = SyncFIFOBuffered(width=AXIS.size, depth=self._depth)
        m.submodules.events = ResetInserter(soft)(fifo)
        written, push = registers.written.EVENT, registers.bytes.EVENT[:2].all()
        port, *encoded, outside = select.i
        m.d.comb += [
            fifo.w_data.eq(Cat(written.word, written.last)),
            fifo.w_en.eq(push),
            found.event_overflow.eq(push & ~fifo.w_rdy),
            port.p.eq(fifo.r_data),
            port.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(port.ready),
            outside.p.eq(Cat(self.s_axis_tdata, self.s_axis_tlast)),
            outside.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(outside.ready),
            core.s_axis_tdata.eq(select.o.p.data),
            core.s_axis_tlast.eq(select.o.p.last),
            core.s_axis_tvalid.eq(select.o.valid & ~soft),
            select.o.ready.eq(core.s_axis_tready & ~soft),
            select.ends.eq(monitor.ends),
        ]
        word = select.o.p.data
        m.d.comb += [
            monitor.word.eq(core.s_axis_tvalid & core.s_axis_tready),
            # Where VALUE words are read they have the TICK's bit, too.
            monitor.tick.eq(word[15] & ~word[14] if self._plan.most > 1 else word[15]),
            monitor.last.eq(select.o.p.last),
        ]
        if self._plan.step_timer:
            # What a running timer's core is given is not what enters it: TICKs come, and events may be lost.
            with m.If(core.timer_running):
                m.d.comb += [
                    monitor.word.eq(core.timer_event | core.timer_tick),
                    monitor.tick.eq(core.timer_tick),
                    monitor.last.eq(core.timer_last),
                ]
        encoding = self._pixels(m, encoded[0], registers, found, soft) if encoded else Const(0)
        # The level is a sum: what depends on it waits a clock, and so keeps long paths apart.
        waiting = Signal()
        m.d.sync += [
            waiting.eq((fifo.level.any() | push) & ~soft),
            registers.status.EVENT_SPACE.space.eq(self._depth - fifo.w_level),
        ]
        return waiting | encoding

    def _pixels(self, m, encoded, registers, found, soft):
        """Pixels from PIXEL or `s_pixel` through the encoder; returns whether it sends a frame."""
        written, push = registers.written.PIXEL, registers.bytes.PIXEL[0]
        m.submodules.encoder = encoder = ResetInserter(soft)(
            pixel_encoder(self._plan.network, self._plan.target)
        )
        m.submodules.pixels = buffer = ResetInserter(soft)(Skid(PIXEL))
        wiring.connect(m, buffer.o, encoder.i)
        m.d.comb += [
            # A buffer between, for short paths; the register gets through it while a frame is not sent.
            buffer.i.p.pixel.eq(Mux(push, written.pixel, self.s_pixel_tdata)),
            buffer.i.p.last.eq(Mux(push, written.last, self.s_pixel_tlast)),
            buffer.i.valid.eq(Mux(push, ~encoder.busy, self.s_pixel_tvalid) & ~soft),
            self.s_pixel_tready.eq(buffer.i.ready & ~push & ~soft),
            registers.status.PIXEL_SPACE.space.eq(encoder.space),
            found.pixel_overflow.eq(push & (encoder.busy | ~buffer.i.ready)),
            found.pixel_last.eq(encoder.stray),
            encoded.p.eq(encoder.o.p),
            encoded.valid.eq(encoder.o.valid),
            encoder.o.ready.eq(encoded.ready),
        ]
        return encoder.busy

    def _results(self, m, core, monitor, registers, soft):
        """One record for the stream and the registers; it stays in the registers until the next."""
        come = data.View(RESULT, core.m_result_tdata[: RESULT.size])
        record, offered, waiting = Signal(RESULT, reset_less=True), Signal(), Signal()
        status, hold = registers.status, registers.stored.MODE.hold_results
        m.d.comb += [
            core.m_result_tready.eq(~offered & ~(hold & waiting) & ~soft),
            monitor.result.eq(core.m_result_tvalid & core.m_result_tready),
            self.m_result_tdata.eq(record),
            self.m_result_tlast.eq(1),
            self.m_result_tvalid.eq(offered),
            status.STATUS.result.eq(waiting),
            status.LABEL.label.eq(record.label),
            status.LABEL.same.eq(record.same),
            status.DISTANCE.distance.eq(record.distance),
            status.RUNNER_UP.runner_up.eq(record.runner_up),
        ]
        with m.If(self.m_result_tready):
            m.d.sync += offered.eq(0)
        with m.If(registers.written.STATUS.result):
            m.d.sync += waiting.eq(0)
        with m.If(monitor.result):
            m.d.sync += [
                record.eq(come),
                # No distance has its highest bit set but that of a frame with nothing to compare.
                record.same.eq(
                    Mux(
                        come.own,
                        come.same,
                        (come.distance <= registers.stored.THRESHOLD.threshold) & ~come.distance[-1],
                    )
                ),
                offered.eq(1),
                waiting.eq(1),
            ]
        with m.If(soft):
            m.d.sync += [offered.eq(0), waiting.eq(0)]

    def _load(self, m, core, monitor, select, registers, found, soft):
        """The weight image comes from `s_load` or from LOAD, through a register.

        While an image waits to take the place of another, no frame is chosen, and it waits until none
        is on its way or in the core.
        """
        written, status = registers.written, registers.status.STATUS
        by_register = registers.stored.MODE.load_by_register
        push, free = Signal(), Signal()
        word, held, loading = Signal(AXIS, reset_less=True), Signal(), Signal()
        m.d.comb += [
            push.eq(registers.bytes.LOAD[:2].all()),
            found.load_overflow.eq(push & (held | ~by_register)),
            self.s_load_tready.eq(~by_register & ~held & ~soft),
            core.s_load_tdata.eq(word.data),
            core.s_load_tlast.eq(word.last),
            core.s_load_tvalid.eq(held & free),
            core.weights_keep.eq(soft),
            # A reset in the middle of an image spoils it.
            self.reload.eq(written.CONTROL.reload | (soft & ~core.weights_loaded)),
            status.weights_loaded.eq(core.weights_loaded),
            status.image_foreign.eq(core.weights_refused[0]),
            status.image_damaged.eq(core.weights_refused[1]),
        ]
        m.d.comb += select.hold.eq(loading)
        m.d.sync += [
            loading.eq(held & core.weights_loaded),
            free.eq(~core.weights_loaded | (loading & ~select.inside & ~monitor.busy)),
        ]
        with m.If(held & free & core.s_load_tready):
            m.d.sync += held.eq(0)
        with m.If(~held):
            m.d.sync += held.eq(Mux(by_register, push, self.s_load_tvalid))
            m.d.sync += word.eq(
                Mux(by_register, written.LOAD.as_value(), Cat(self.s_load_tdata, self.s_load_tlast))
            )
        with m.If(soft):
            m.d.sync += held.eq(0)

    def _timer(self, m, core, select, registers):
        """The step timer's registers; while it runs, events of all sources are loose words."""
        stored, status = registers.stored, registers.status
        m.d.comb += [
            core.timer_run.eq(stored.STEP_TIMER.run),
            core.timer_drop.eq(stored.STEP_TIMER.drop),
            core.timer_on_event.eq(stored.STEP_TIMER.on_event),
            core.timer_period.eq(stored.STEP_CLOCKS.period),
            core.timer_clear.eq(registers.written.STEP_TIMER.clear),
            select.loose.eq(core.timer_running),
            status.STEP_TIMER.running.eq(core.timer_running),
            status.STEP_LOSSES.dropped.eq(core.timer_dropped),
            status.STEP_LOSSES.late.eq(core.timer_late),
        ]

    def _commands(self, m, core, registers, found, soft):
        """Writes to the registers of commands go to the core unless a frame or command is in it."""
        writes = {
            TO_COMMAND: "COMMAND",
            TO_REFERENCE_AT: "REFERENCE_AT",
            TO_STAGE: "STAGE",
            TO_THRESHOLD: "COMMIT_THRESHOLD",
        }
        command, asked, idle, quiet = Signal(COMMAND), Signal(), Signal(), Signal(init=1)
        # A frame that begins with a command is far from the readout yet: the command is for it.
        m.d.sync += quiet.eq(~registers.status.STATUS.busy | soft)
        m.d.comb += [
            command.value.eq(self.registers.write_data),
            asked.eq(Cat(registers.bytes[name].all() for name in writes.values()).any()),
            idle.eq(core.s_command_tready & quiet),
            found.command_busy.eq(asked & ~idle),
            core.s_command_tdata.eq(command),
            core.s_command_tvalid.eq(asked & idle),
        ]
        for which, name in writes.items():
            with m.If(registers.bytes[name].any()):
                m.d.comb += command.register.eq(which)
        now, status = data.View(STATUS, core.command_status), registers.status
        m.d.comb += [
            *(status.COMMAND_STATUS[name].eq(now[name]) for name in ("mode", "slot", "staged", "busy")),
            *(status.REFERENCE[name].eq(now[name]) for name in ("count", "holds", "label")),
            *(status.REFERENCE_THRESHOLD[name].eq(now[name]) for name in ("threshold", "own")),
        ]

    def _errors(self, m, core, registers, found, soft):
        """The core's flags, cleared at once there, are kept here, where each can be cleared by itself."""
        kept = Signal(len(found.as_value()))
        m.d.comb += [
            core.error_clear.eq(1),
            Cat(found[name] for name, _ in ERRORS).eq(core.error_flags),
            registers.status.ERRORS.eq(kept),
        ]
        if self._plan.slots:
            m.d.comb += [found[name].eq(core.command_errors[bit]) for bit, name in enumerate(REFUSALS)]
        else:
            m.d.comb += found.command_unknown.eq(registers.bytes.COMMAND.all())
        m.d.sync += kept.eq((kept & ~registers.written.ERRORS.as_value()) | found.as_value())
        with m.If(soft):
            m.d.sync += kept.eq(0)


def check_bus(plan: CorePlan) -> None:
    """Raise TwinspikeError if no bus can carry the events of this core."""
    if plan.layers[0].events_per_clock > 1:
        raise TwinspikeError(
            f"the core of {plan.network.name} takes {plan.layers[0].events_per_clock} events per "
            "clock: a bus is too "
            "slow for it, so it has stream ports only; leave hardware.events_per_clock out for a "
            "core behind a bus"
        )


def control_members(plan: CorePlan) -> dict:
    """The members beside the registers' port, which a bus top shows as its ports."""
    members = {
        **axis("s_axis", In, 16),
        **axis("m_axis", Out, 16),
        **axis("m_result", Out, RESULT_BITS),
        "irq": Out(1),
    }
    if plan.pixels:
        members |= axis("s_pixel", In, 8)
    if plan.loads:
        members |= {**axis("s_load", In, 16), "reload": Out(1)}
    return members
