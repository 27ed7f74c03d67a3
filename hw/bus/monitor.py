"""Counts frames in and results out of a core: busy, frames, cycles of a frame."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

# Frames that a core can hold at once: its queues have room for fewer steps than this.
IN_FLIGHT_BITS = 8


class FrameMonitor(wiring.Component):
    """Watches event words and results pass.

    A frame ends as in hw/core/ingress.py: with `last`, wherever it stands, or with its T-th TICK. `cycles`
    is the number of clocks from a frame's first word taken to its result taken, of one frame at
    a time; a frame that begins meanwhile is not measured.

    Members: `word` (In: an event word is taken), `tick` and `last` (In: of that word), `result` (In:
    a result is taken), `ends` (Out: the word ends its frame), `busy`, `frames`, `cycles` (Out).
    """

    def __init__(self, timesteps: int):
        self._timesteps = timesteps
        super().__init__(
            {
                "word": In(1),
                "tick": In(1),
                "last": In(1),
                "result": In(1),
                "ends": Out(1),
                "busy": Out(1),
                "frames": Out(32),
                "cycles": Out(32),
            }
        )

    def elaborate(self, platform):
        m = Module()
        inside, step = Signal(), Signal(range(max(self._timesteps, 2)))
        first = Signal()
        m.d.comb += [
            first.eq(self.word & ~inside),
            self.ends.eq(self.last | (self.tick & (step == self._timesteps - 1))),
        ]
        with m.If(self.word):
            m.d.sync += [inside.eq(~self.ends), step.eq(Mux(self.ends, 0, step + self.tick))]

        waiting = Signal(IN_FLIGHT_BITS)  # frames begun whose results have not come
        m.d.comb += self.busy.eq(waiting.any())
        with m.If(first & ~self.result):
            m.d.sync += waiting.eq(waiting + 1)
        with m.Elif(self.result & ~first):
            m.d.sync += waiting.eq(waiting - 1)
        with m.If(self.result):
            m.d.sync += self.frames.eq(self.frames + 1)

        measuring, clock, ahead = Signal(), Signal(32), Signal(IN_FLIGHT_BITS)
        m.d.sync += clock.eq(clock + 1)
        # A clock later than they happen, both: the decisions above end a long path. `waiting` has the
        # frame by then.
        began, gave = Signal(), Signal()
        m.d.sync += [began.eq(first), gave.eq(self.result)]
        with m.If(began & ~measuring):
            m.d.sync += [measuring.eq(1), clock.eq(1), ahead.eq(waiting - 1)]
        with m.Elif(gave & measuring):
            m.d.sync += ahead.eq(ahead - 1)
            with m.If(ahead == 0):
                m.d.sync += [measuring.eq(0), self.cycles.eq(clock)]
        return m
