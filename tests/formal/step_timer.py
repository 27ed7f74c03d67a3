"""The step timer: every event passes once and in order, or is counted; TICKs come with the clock alone."""

import functools

from amaranth.hdl import Mux, Signal

from formal.bench import Bench, packed
from formal.mutation import Mutant
from formal.proof import Proof
from twinspike.hw.core.step_timer import StepTimer

# A solver cannot count to 2^32: what holds for periods of a few clocks is proved for these.
PERIOD_BITS = 3


def _timer(timesteps: int) -> tuple[Bench, StepTimer]:
    b = Bench()
    b.m.submodules.dut = dut = StepTimer(timesteps)
    b.m.d.comb += [
        dut.i.p.data.eq(b.free(16, "data")),
        dut.i.p.last.eq(b.free(1, "last")),
        dut.i.valid.eq(b.free(1, "valid")),
        dut.o.ready.eq(b.free(1, "ready")),
        dut.timer_run.eq(b.free(1, "run")),
        dut.timer_drop.eq(b.free(1, "drop")),
        dut.timer_on_event.eq(b.constant(1, "on_event")),
        dut.timer_clear.eq(b.free(1, "clear")),
    ]
    period = b.constant(PERIOD_BITS, "period")
    b.assume(period != 0)
    b.m.d.comb += dut.timer_period.eq(period)
    return b, dut


def _frame(b: Bench, dut: StepTimer, timesteps: int) -> tuple[Signal, Signal]:
    """Whether a frame is on its way, by the words that pass, and whether its next TICK is the T-th."""
    step, inside, final = Signal(range(max(timesteps, 2))), Signal(), Signal()
    passes, tick = dut.o.valid & dut.o.ready, dut.o.p.data[15]
    b.m.d.comb += final.eq(step == timesteps - 1)
    with b.m.If(passes):
        ends = dut.o.p.last | (tick & final)
        b.m.d.sync += [inside.eq(~ends), step.eq(Mux(ends, 0, step + tick))]
    return inside, final


def words(timesteps: int) -> Bench:
    """Nothing passes that was not given, nothing that was taken is missing, and frames have T TICKs."""
    b, dut = _timer(timesteps)
    m, i, o, running = b.m, dut.i, dut.o, dut.timer_running
    given, passes = i.valid & i.ready, o.valid & o.ready
    event = ~i.p.data[15]
    # Words pass as they come, or an address does, or a TICK of the timer's own.
    b.holds(packed(o.p.data, o.p.last) == packed(i.p.data, i.p.last), when=passes & ~running)
    b.holds(given == passes, when=~running)
    own = passes & running & o.p.data[15]
    b.holds(o.p.data == 1 << 15, when=own)
    b.holds(given & (o.p.data == i.p.data) & ~o.p.last, when=passes & running & ~o.p.data[15])
    # An address that is taken passes, or it is dropped, counted, and the core was not to wait for it.
    lost = given & running & event & ~(passes & ~o.p.data[15])
    b.holds(dut.timer_drop, when=lost)
    known = Signal(16)
    counted = dut.timer_dropped
    m.d.sync += known.eq(Mux(dut.timer_clear, lost, known + (lost & (known != 0xFFFF))))
    b.holds(counted == known)
    b.holds(packed(dut.timer_event, dut.timer_tick) == packed(passes & ~o.p.data[15], passes & o.p.data[15]))
    # Frames: the timer's T-th TICK is their last word; it starts and stops between them, and then at once.
    inside, final = _frame(b, dut, timesteps)
    b.holds(o.p.last == final, when=own)
    b.holds(~b.past(inside), when=running ^ b.past(running))
    b.holds(running == b.past(dut.timer_run), when=b.past(~inside))
    return b


def pace(timesteps: int) -> Bench:
    """The n-th TICK comes n periods after the start, or a frame's first event; one missed is counted."""
    b, dut = _timer(timesteps)
    m, o, running = b.m, dut.o, dut.timer_running
    own, passes = running & o.valid & o.p.data[15], o.valid & o.ready
    period = dut.timer_period
    inside, final = _frame(b, dut, timesteps)
    stops = running & ~dut.timer_run & ~inside
    # With on_event no clock counts outside a frame, nor the one of its last TICK.
    stands = dut.timer_on_event & (~inside | (own & o.ready & final))
    goes = running & ~stops & ~stands
    # Clocks since the start modulo the period, and whether one has ended without its TICK being taken.
    phase, owed = Signal(PERIOD_BITS), Signal()
    ends = goes & (phase == period - 1)
    m.d.sync += phase.eq(Mux(~goes | ends, 0, phase + 1))
    m.d.sync += owed.eq(Mux(running & ~stops, ends | (owed & ~(own & passes)), 0))
    late = Signal()
    m.d.comb += late.eq(ends & owed & ~(own & passes))
    b.holds(own == owed, when=running & ~stops)
    known = Signal(16)
    m.d.sync += known.eq(Mux(dut.timer_clear, late, known + (late & (known != 0xFFFF))))
    b.holds(dut.timer_late == known)
    return b


PROOFS = [
    *(
        Proof(
            "step timer",
            f"words and frames (T = {timesteps})",
            functools.partial(words, timesteps),
            (
                Mutant("core.step_timer", "(o.ready & ~due)", "o.ready"),
                Mutant("core.step_timer", "(due | ~passes)", "~passes"),
                Mutant("core.step_timer", "o.p.last.eq(due & final)", "o.p.last.eq(final)"),
            ),
        )
        for timesteps in (1, 3)
    ),
    Proof(
        "step timer",
        "TICKs by the clock, and those that are late counted",
        functools.partial(pace, 2),
        (
            Mutant("core.step_timer", "expires & due & ~passes", "expires & due"),
            Mutant("core.step_timer", "(inside & ~(passes & ends))", "inside"),
            Mutant("core.step_timer", "expires.eq(counts & (left == 0))", "expires.eq(counts & (left <= 1))"),
        ),
    ),
]
