"""Dense fan-out: an event becomes a walk over (weight word, state word) pairs."""

from amaranth.hdl import Module, Mux, Signal

from .walker import Walker


class DenseWalker(Walker):
    """Walks an event's row of weights, or on a TICK the state words alone: the layer's only clockwork.

    Each event or TICK takes C = max(W, 5) clocks, W = ceil(N / P): W pairs, one per clock, then
    idle clocks where W < 5, so that a state word is never read before its update was written.
    Events follow each other without bubbles. From `i` taken to the first pair: 2 clocks when idle.
    A TICK waits until `room`. After reset one quiet sweep initialises the state.

    Members: those of Walker.
    """

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
        count = Signal(range(plan.tick_clocks))
        # Control, not arithmetic, limits the clock: these flags are registered, one clock ahead of
        # their use or (room) late, which is safe since a step takes longer than that.
        done, room, start = Signal(), Signal(), Signal()
        m.d.sync += [done.eq(busy & (count == plan.tick_clocks - 2)), room.eq(self.room)]
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
