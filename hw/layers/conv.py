"""Fan-out of a convolution: an event becomes a walk over the places of the map that see it."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.utils import bits_for

from ..plan import UPDATE_LATENCY
from ..plan.conv import ConvPlan
from .sweep import Sweep
from .walker import Walker, pair_layout


class ConvWalker(Walker):
    """Walks what ConvPlan.visits says of an event; on a TICK Sweep gives the words of its list.

    Tables, one a coordinate, give an event's first output, the first weight word and how many outputs there
    are; from there on everything steps. A pair is queued before it goes out, and waits there until its state
    word may be read again: 3 clocks after an event's pair of the same word (UPDATE_LATENCY). A sweep begins 4
    clocks after the last pair before it, an event's walk 4 clocks after a sweep's last pair; so no other pair
    has to wait (STATE_LATENCY).

    From `i` taken to the first pair: 3 clocks when idle, 4 for a TICK. Then one pair a clock, without bubbles
    between events; an event takes at least 2 clocks. A sweep goes on while there is `room`. After reset one
    quiet sweep initialises the state.

    Members: those of Walker.
    """

    _plan: ConvPlan

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        memory = self.add_memory(m)
        m.submodules.sweeper = sweep = Sweep(plan)
        rows, columns = plan.axes
        step_row = rows.back * columns.kernel * plan.span
        step_column = columns.back * plan.span

        # The next operation; what the tables say of it comes in the same clock.
        next_valid, next_tick, next_last = Signal(), Signal(), Signal()
        y, x, c = self._fields()
        vertical = self._table(m, "rows", y)
        horizontal = self._table(m, "columns", x)
        channel = self._table(m, "channels", c)

        # The walk under way.
        walking = Signal()
        sizes = {"row": plan.leaving.height, "column": plan.leaving.width, "word": plan.channel_words}
        place = {name: Signal(range(max(n, 2)), name=name) for name, n in sizes.items()}
        left = {name: Signal(range(max(n, 2)), name=f"{name}_left") for name, n in sizes.items()}
        # Where a row of the walk begins, and how long it is; likewise the words of a place.
        first_column = Signal.like(place["column"], name="first_column")
        all_columns = Signal.like(left["column"], name="all_columns")
        first_word = Signal.like(place["word"], name="first_word")
        all_words = Signal.like(left["word"], name="all_words")
        weight, weight_column, weight_row = (
            Signal(range(plan.weight_words), name=name) for name in ("weight", "weight_column", "weight_row")
        )
        # The pair that goes out next.
        queued, pair, queued_weight = Signal(), Signal(pair_layout(plan)), Signal.like(weight)
        wait = Signal(UPDATE_LATENCY - 1)
        go, advance, done = Signal(), Signal(), Signal()
        begin, sweeps, settled = Signal(), Signal(), Signal()
        # Whether each of them has come to its last: registers, for all that moves waits for them.
        word_ends, column_ends, row_ends = (
            Const(1, 1) if n == 1 else Signal(name=f"{name}_ends") for name, n in reversed(sizes.items())
        )
        single_word, single_column = Signal(), Signal()
        m.d.comb += [
            go.eq(queued & ~wait[0]),
            advance.eq(walking & (~queued | go)),
            done.eq(advance & word_ends & column_ends & row_ends),
            begin.eq(next_valid & ~next_tick & (~walking | done) & ~sweep.busy),
            # Whatever was reached has been listed by then.
            sweeps.eq(next_valid & next_tick & ~walking & ~queued & settled & ~sweep.busy),
            self.i.ready.eq(~next_valid),
            self.sweep.eq(sweeps),
            sweep.start.eq(sweeps),
            sweep.last.eq(next_last),
            sweep.room.eq(self.room),
        ]
        if plan.sweeps_reached:
            m.d.comb += [sweep.fresh.eq(self.fresh), sweep.fresh_word.eq(self.fresh_word)]
        with m.If(begin | sweeps):
            m.d.sync += next_valid.eq(0)
        with m.If(self.i.ready):
            m.d.sync += [
                next_valid.eq(self.i.valid),
                next_tick.eq(self.i.p.tick),
                next_last.eq(self.i.p.last & self.i.p.tick),
            ]

        with m.If(~walking | done):
            begin_weight = Signal.like(weight)
            m.d.comb += begin_weight.eq(vertical.weight + horizontal.weight + channel.weight)
            m.d.sync += [
                walking.eq(begin & vertical.any & horizontal.any),
                place["row"].eq(vertical.first),
                left["row"].eq(vertical.more),
                place["column"].eq(horizontal.first),
                first_column.eq(horizontal.first),
                left["column"].eq(horizontal.more),
                all_columns.eq(horizontal.more),
                place["word"].eq(channel.first),
                first_word.eq(channel.first),
                left["word"].eq(channel.more),
                single_word.eq(channel.more == 0),
                single_column.eq(horizontal.more == 0),
                *_set(word_ends, channel.more == 0),
                *_set(column_ends, horizontal.more == 0),
                *_set(row_ends, vertical.more == 0),
                all_words.eq(channel.more),
                weight.eq(begin_weight),
                weight_column.eq(begin_weight),
                weight_row.eq(begin_weight),
            ]
        with m.Elif(advance):
            m.d.sync += [place["word"].eq(place["word"] + 1), left["word"].eq(left["word"] - 1)]
            m.d.sync += [weight.eq(weight + 1), *_set(word_ends, left["word"] == 1)]
            with m.If(word_ends):
                m.d.sync += [*_set(word_ends, single_word), *_set(column_ends, left["column"] == 1)]
                m.d.sync += [place["word"].eq(first_word), left["word"].eq(all_words)]
                after_column = Mux(column_ends, weight_row - step_row, weight_column - step_column)
                m.d.sync += [weight.eq(after_column), weight_column.eq(after_column)]
                m.d.sync += [
                    place["column"].eq(place["column"] + columns.step),
                    left["column"].eq(left["column"] - 1),
                ]
                with m.If(column_ends):
                    m.d.sync += [*_set(column_ends, single_column), *_set(row_ends, left["row"] == 1)]
                    m.d.sync += [place["column"].eq(first_column), left["column"].eq(all_columns)]
                    m.d.sync += [
                        place["row"].eq(place["row"] + rows.step),
                        left["row"].eq(left["row"] - 1),
                        weight_row.eq(weight_row - step_row),
                    ]

        # A pair's word is compared with those that went out shortly before while the pair is queued.
        here = Cat(
            place["word"][: plan.word_bits],
            place["column"][: plan.leaving.x_bits],
            place["row"][: plan.leaving.y_bits],
        )
        word = Signal.like(pair.word)
        m.d.comb += word.eq(here)
        waits = self._waits(m, word, pair, queued, go)
        with m.If(sweep.pair_valid):
            m.d.sync += [queued.eq(1), pair.eq(sweep.pair), wait.eq(0)]
        with m.Elif(advance):
            m.d.sync += [
                queued.eq(1),
                pair.eq(0),
                pair.word.eq(word),
                queued_weight.eq(weight),
                wait.eq(waits),
            ]
        with m.Else():
            m.d.sync += wait.eq(wait >> 1)
            with m.If(go):
                m.d.sync += queued.eq(0)
        gone = Signal()
        m.d.sync += [gone.eq(go), settled.eq(~(go | gone))]

        if plan.most > 1:
            next_times, times = Signal.like(pair.times), Signal.like(pair.times)
            with m.If(self.i.ready):
                m.d.sync += next_times.eq(self.i.p.times)
            with m.If(~walking | done):
                m.d.sync += times.eq(next_times)
            with m.If(advance):
                m.d.sync += pair.times.eq(times)

        # The word of the next clock, for a memory that is told so early.
        ahead = Mux(advance, weight, queued_weight)
        m.d.comb += [
            self.pair_valid.eq(go),
            self.pair.eq(pair),
            memory.address.eq(ahead if plan.read_ahead else queued_weight),
            self.weights.eq(memory.data),
        ]
        return m

    def _fields(self) -> tuple[Value, Value, Value]:
        """The bit fields of the address at `i`, each at least a bit wide."""
        arriving, address = self._plan.arriving, self.i.p.address
        c_bits, low = arriving.c_bits, arriving.c_bits + arriving.x_bits
        fields = address[low : low + arriving.y_bits], address[c_bits:low], address[:c_bits]
        return tuple(field if len(field) else Const(0, 1) for field in fields)

    def _waits(self, m: Module, word: Value, pair: data.View, queued: Value, go: Value) -> Value:
        """Bit k: a pair of `word` that is queued now has to wait for more than k clocks.

        What went out d clocks before it could go makes it wait UPDATE_LATENCY - d clocks. Pairs of a sweep
        are further away than that.
        """
        # When a pair is queued, one that is queued already goes out.
        out, same = (queued, pair.word), []
        for d in range(1, UPDATE_LATENCY):
            was_out, was_word = out
            same.append(was_out & (was_word == word))
            late = Signal(name=f"out_{d}"), Signal.like(word, name=f"word_{d}")
            m.d.sync += (
                [late[0].eq(go), late[1].eq(pair.word)]
                if d == 1
                else [after.eq(before) for after, before in zip(late, out, strict=True)]
            )
            out = late
        return Cat(Cat(*same[: UPDATE_LATENCY - 1 - k]).any() for k in range(UPDATE_LATENCY - 1))

    def _table(self, m: Module, name: str, field: Value) -> data.View:
        """A table that is read while an event is taken and keeps what it gave until the next one."""
        table = self._plan.tables()[name]
        fields = ("first", "more", "weight", "any")[: table.shape[1]]
        widths = [bits_for(max(int(most), 1)) for most in table.max(axis=0)]
        rows = [dict(zip(fields, row, strict=True)) for row in table.tolist()]
        # A memory of one row has an address of no bits, which linters dislike.
        rows += rows[:1] * (len(rows) == 1)
        layout = data.StructLayout(dict(zip(fields, widths, strict=True)))
        memory = Memory(shape=layout, depth=len(rows), init=rows)
        m.submodules[name] = memory
        port = memory.read_port()
        m.d.comb += [port.addr.eq(field), port.en.eq(self.i.ready)]
        return port.data


def _set(flag: Value, value: Value) -> list:
    """Nothing where the flag is a constant."""
    return [] if isinstance(flag, Const) else [flag.eq(value)]
