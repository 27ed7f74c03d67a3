"""Time steps by the clock: TICKs for events that come live, without any."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...numerics.events import TICK
from ..parts.events import AXIS

PERIOD_BITS = 32
LOSS_BITS = 16

# What the core shows of it beside its streams, and what ports.md says of each.
PORTS = {
    "timer_run": (In(1), "high: the core makes its TICKs itself, from the next start of a frame on"),
    "timer_drop": (In(1), "high: an event that the core does not take at once is dropped and counted"),
    "timer_on_event": (In(1), "high: a frame begins with its first event, and no clock counts before it"),
    "timer_period": (In(PERIOD_BITS), "clocks of a time step, for the steps that begin (0: 2^32)"),
    "timer_clear": (In(1), "high for a clock: `timer_dropped` and `timer_late` become 0"),
    "timer_running": (Out(1), "the core makes its TICKs itself"),
    "timer_event": (Out(1), "an event has entered the core in the clock before"),
    "timer_tick": (Out(1), "a TICK has entered the core in the clock before"),
    "timer_last": (Out(1), "it was the last of its frame"),
    "timer_dropped": (Out(LOSS_BITS), "events dropped, 65,535 for as many or more"),
    "timer_late": (Out(LOSS_BITS), "steps that lasted a period more, since the core was not ready; likewise"),
}

# Those that follow a stream's ports in the same clock: the core shows them a clock later.
AS_THEY_COME = ("timer_event", "timer_tick", "timer_last")


class StepTimer(wiring.Component):
    """Puts a TICK between the events of `i` every `timer_period` clocks, `last` with every T-th.

    While it runs, words of `i` are addresses; a TICK and `last` that come with them mean nothing. An event
    belongs to the step in which it passes: `timer_event` and `timer_tick` are high in that clock. A TICK
    goes ahead of the events that wait. If the core has not taken it when the next one is due, there is one
    instead of two, and `timer_late` counts it: a step lasts a whole number of periods. With `timer_drop` `i`
    is always ready, and what the core does not take in that clock is gone. With `timer_on_event` the clocks
    of a frame begin behind the one in which its first event passes.

    While it does not run, words pass as they come. It starts and stops only between frames: the frame that
    is on its way, of either kind, ends first.

    Latency 0, a word per clock; at a start and at a stop a clock passes in which nothing does. The k-th TICK
    (1, 2, ...) is offered k * `timer_period` clocks after the first clock of `timer_running`; with
    `timer_on_event`, of a frame, after the clock behind that of its first event.

    Members: `i` (In), `o` (Out), streams of words and `last`; those of PORTS.
    """

    def __init__(self, timesteps: int):
        self._timesteps = timesteps
        super().__init__(
            {
                "i": In(stream.Signature(AXIS)),
                "o": Out(stream.Signature(AXIS)),
                **{name: member for name, (member, _) in PORTS.items()},
            }
        )

    def elaborate(self, platform):
        m = Module()
        i, o, running = self.i, self.o, self.timer_running
        inside, step = Signal(), Signal(range(max(self._timesteps, 2)))
        final, due, switches = Signal(), Signal(), Signal()
        event = Signal()  # an address waits
        m.d.comb += [
            final.eq(step == self._timesteps - 1),
            switches.eq((self.timer_run != running) & ~inside),
            event.eq(i.valid & ~i.p.data[15]),
        ]
        with m.If(switches):
            m.d.sync += [running.eq(self.timer_run), due.eq(0)]
        with m.Elif(~running):
            m.d.comb += [o.p.eq(i.p), o.valid.eq(i.valid), i.ready.eq(o.ready)]
        with m.Else():
            m.d.comb += [
                o.p.data.eq(Mux(due, TICK, i.p.data)),
                o.p.last.eq(due & final),
                o.valid.eq(due | event),
                # Whatever waits: so no path leads from an input of the core to its tready.
                i.ready.eq(self.timer_drop | (o.ready & ~due)),
            ]

        # What passes, of either kind, says where in its frame the core is.
        passes, ends = Signal(), Signal()
        m.d.comb += [
            passes.eq(o.valid & o.ready),
            self.timer_event.eq(passes & ~o.p.data[15]),
            self.timer_tick.eq(passes & o.p.data[15]),
            self.timer_last.eq(o.p.last),
            ends.eq(o.p.last | (o.p.data[15] & final)),
        ]
        with m.If(passes):
            m.d.sync += [inside.eq(~ends), step.eq(Mux(ends, 0, step + o.p.data[15]))]

        left, late = Signal(PERIOD_BITS), Signal()
        counts, expires = Signal(), Signal()
        m.d.comb += [
            # Behind a frame's last TICK no clock counts until an event comes.
            counts.eq(running & ~switches & (~self.timer_on_event | (inside & ~(passes & ends)))),
            expires.eq(counts & (left == 0)),
            late.eq(expires & due & ~passes),
        ]
        m.d.sync += left.eq(Mux(counts & ~expires, left, self.timer_period) - 1)
        with m.If(expires):
            m.d.sync += due.eq(1)
        with m.Elif(running & due & passes):
            m.d.sync += due.eq(0)

        dropped = Signal()
        m.d.comb += dropped.eq(running & event & i.ready & (due | ~passes))
        for happens, count in ((dropped, self.timer_dropped), (late, self.timer_late)):
            with m.If(self.timer_clear):
                m.d.sync += count.eq(happens)
            with m.Elif(happens & ~count.all()):
                m.d.sync += count.eq(count + 1)
        return m
