"""Dense fan-out: an event becomes a walk over (weight word, state word) pairs."""

from amaranth.hdl import Module, Mux, Signal

from ..plan.dense import DensePlan
from .walker import Walker


class DenseWalker(Walker):
    """Walks an event's row of weights, or on a TICK the state words alone: the layer's only clockwork.

    An event takes C = max(W, 3) clocks, W = ceil(N / P), a TICK W, or max(W + 2, 5) where W < 5: W pairs,
    one per clock, then idle clocks, so that a state word is never read before its update was written, and
    two updates never come at once. Events follow each other without bubbles. From `i` taken to the first
    pair: 2 clocks when idle. A TICK waits until `room`. After reset one quiet sweep initialises the state.

    Members: those of Walker.
    """

    _plan: DensePlan

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        memory = self.add_memory(m)

        # The next operation, its row's address already computed.
        next_valid, next_tick, next_last = Signal(), Signal(), Signal()
        next_row = Signal(range(plan.weight_words))
        # The operation under way. It starts as the quiet sweep that follows reset.
        busy, tick, last, quiet = Signal(init=1), Signal(init=1), Signal(init=1), Signal(init=1)
        row = Signal(range(plan.weight_words))
        count = Signal(range(max(plan.row_clocks, plan.tick_clocks)))
        # An operation's last clock but one: where a walk is as long as a sweep, a constant.
        row_ends, sweep_ends = plan.row_clocks - 2, plan.tick_clocks - 2
        before_last = Mux(tick, sweep_ends, row_ends) if row_ends != sweep_ends else row_ends
        # Control, not arithmetic, limits the clock: these flags are registered, one clock ahead of
        # their use or (room) late, which is safe since a step takes longer than that.
        done, room, start = Signal(), Signal(), Signal()
        m.d.sync += [done.eq(busy & (count == before_last)), room.eq(self.room)]
        m.d.comb += [
            start.eq(next_valid & (~next_tick | room) & (~busy | done)),
            self.i.ready.eq(~next_valid),
            self.sweep.eq(start & next_tick),
        ]
        with m.If(start):
            m.d.sync += next_valid.eq(0)
        with m.If(self.i.ready):
            m.d.sync += [
                next_valid.eq(self.i.valid),
                next_tick.eq(self.i.p.tick),
                next_last.eq(self.i.p.last & self.i.p.tick),
                next_row.eq(self.i.p.address * plan.words),
            ]
        if plan.most > 1:
            next_times = Signal.like(self.pair.times)
            with m.If(self.i.ready):
                m.d.sync += next_times.eq(self.i.p.times)
            with m.If(~busy | done):
                m.d.sync += self.pair.times.eq(next_times)
        with m.If(busy):
            m.d.sync += [row.eq(row + 1), count.eq(count + 1)]
        with m.If(~busy | done):
            m.d.sync += [
                busy.eq(start),
                tick.eq(next_tick),
                last.eq(next_last),
                quiet.eq(0),
                row.eq(next_row),
                count.eq(0),
            ]

        # The row of the next clock, for a memory that is told so early.
        ahead = Mux(busy & ~done, row + 1, next_row)
        walking = busy if plan.tick_clocks == plan.words else busy & (count < plan.words)
        m.d.comb += [
            self.pair_valid.eq(walking),
            self.pair.word.eq(count),
            self.pair.tick.eq(tick),
            self.pair.last.eq(last),
            self.pair.quiet.eq(quiet),
            memory.address.eq(ahead if plan.read_ahead else row),
            self.weights.eq(memory.data),
        ]
        return m
