"""Fan-out of a convolution: an event becomes a walk over the places of the map that see it."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.utils import bits_for

from ..plan import STATE_LATENCY, UPDATE_LATENCY
from ..plan.conv import ConvPlan
from .walker import Walker, pair_layout


class ConvWalker(Walker):
    """Walks what ConvPlan.visits says of an event, or on a TICK each word that holds neurons, in order.

    Tables, one a coordinate, give an event's first output, the first weight word and how many outputs there
    are; from there on everything steps. A pair is queued before it goes out, and waits there until its state
    word may be read again: 3 clocks after an event's pair of the same word (UPDATE_LATENCY), 5 after a
    TICK's (STATE_LATENCY); and an event's pair goes out at least 3 clocks after any of a TICK's.

    From `i` taken to the first pair: 3 clocks when idle. Then one pair a clock, without bubbles between
    events; an event takes at least 2 clocks. A TICK waits until `room`. After reset one quiet sweep
    initialises the state.

    Members: those of Walker.
    """

    _plan: ConvPlan

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        memory = self.add_memory(m)
        rows, columns = plan.axes
        step_row = rows.back * columns.kernel * plan.span
        step_column = columns.back * plan.span

        # The next operation; what the tables say of it comes in the same clock.
        next_valid, next_tick, next_last = Signal(), Signal(), Signal()
        y, x, c = self._fields()
        vertical = self._table(m, "rows", y)
        horizontal = self._table(m, "columns", x)
        channel = self._table(m, "channels", c)

        # The walk under way. It starts as the quiet sweep that follows reset.
        walking, tick, last, quiet = Signal(init=1), Signal(init=1), Signal(init=1), Signal(init=1)
        map_rows, map_columns, map_words = plan.leaving.height, plan.leaving.width, plan.channel_words
        sizes = {"row": map_rows, "column": map_columns, "word": map_words}
        place = {name: Signal(range(max(n, 2)), name=name) for name, n in sizes.items()}
        left = {name: Signal(range(max(n, 2)), name=f"{name}_left", init=n - 1) for name, n in sizes.items()}
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
        wait = Signal(STATE_LATENCY - 1)
        room = Signal()
        go, advance, ends, done, start = Signal(), Signal(), Signal(), Signal(), Signal()
        word_ends, column_ends, row_ends = Signal(), Signal(), Signal()
        m.d.sync += room.eq(self.room)
        m.d.comb += [
            go.eq(queued & ~wait[0]),
            advance.eq(walking & (~queued | go)),
            word_ends.eq(left["word"] == 0),
            column_ends.eq(left["column"] == 0),
            row_ends.eq(left["row"] == 0),
            ends.eq(word_ends & column_ends & row_ends),
            done.eq(advance & ends),
            start.eq(next_valid & (~next_tick | room) & (~walking | done)),
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
            ]

        with m.If(~walking | done):
            begin_column = Mux(next_tick, 0, horizontal.first)
            count_columns = Mux(next_tick, map_columns - 1, horizontal.more)
            begin_word = Mux(next_tick, 0, channel.first)
            count_words = Mux(next_tick, map_words - 1, channel.more)
            begin_weight = Signal.like(weight)
            m.d.comb += begin_weight.eq(vertical.weight + horizontal.weight + channel.weight)
            m.d.sync += [
                walking.eq(start & (next_tick | (vertical.any & horizontal.any))),
                tick.eq(next_tick),
                last.eq(next_last),
                quiet.eq(0),
                place["row"].eq(Mux(next_tick, 0, vertical.first)),
                left["row"].eq(Mux(next_tick, map_rows - 1, vertical.more)),
                place["column"].eq(begin_column),
                first_column.eq(begin_column),
                left["column"].eq(count_columns),
                all_columns.eq(count_columns),
                place["word"].eq(begin_word),
                first_word.eq(begin_word),
                left["word"].eq(count_words),
                all_words.eq(count_words),
                weight.eq(begin_weight),
                weight_column.eq(begin_weight),
                weight_row.eq(begin_weight),
            ]
        with m.Elif(advance):
            m.d.sync += [place["word"].eq(place["word"] + 1), left["word"].eq(left["word"] - 1)]
            m.d.sync += weight.eq(weight + 1)
            with m.If(word_ends):
                m.d.sync += [place["word"].eq(first_word), left["word"].eq(all_words)]
                after_column = Mux(column_ends, weight_row - step_row, weight_column - step_column)
                m.d.sync += [weight.eq(after_column), weight_column.eq(after_column)]
                m.d.sync += [
                    place["column"].eq(place["column"] + Mux(tick, 1, columns.step)),
                    left["column"].eq(left["column"] - 1),
                ]
                with m.If(column_ends):
                    m.d.sync += [place["column"].eq(first_column), left["column"].eq(all_columns)]
                    m.d.sync += [
                        place["row"].eq(place["row"] + Mux(tick, 1, rows.step)),
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
        waits = self._waits(m, word, tick, pair, go)
        with m.If(advance):
            m.d.sync += [
                queued.eq(1),
                pair.word.eq(word),
                pair.tick.eq(tick),
                pair.last.eq(last),
                pair.quiet.eq(quiet),
                queued_weight.eq(weight),
                wait.eq(waits),
            ]
        with m.Else():
            m.d.sync += wait.eq(wait >> 1)
            with m.If(go):
                m.d.sync += queued.eq(0)

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

    def _waits(self, m: Module, word: Value, tick: Value, pair: data.View, go: Value) -> Value:
        """Bit k: a pair of `word` that is queued now has to wait for more than k clocks.

        What went out d clocks before it could go makes it wait STATE_LATENCY - d or UPDATE_LATENCY - d.
        """
        out = go, pair.word, pair.tick
        swept, updated = [], []
        for d in range(1, STATE_LATENCY):
            was_out, was_word, was_tick = out
            same = was_out & (was_word == word)
            swept.append(same & was_tick)
            updated.append(same & ~was_tick | was_out & was_tick & ~tick)
            late = Signal(name=f"out_{d}"), Signal.like(word, name=f"word_{d}"), Signal(name=f"tick_{d}")
            m.d.sync += [after.eq(before) for after, before in zip(late, out, strict=True)]
            out = late
        return Cat(
            Cat(*swept[: STATE_LATENCY - 1 - k], *updated[: max(UPDATE_LATENCY - 1 - k, 0)]).any()
            for k in range(STATE_LATENCY - 1)
        )

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
