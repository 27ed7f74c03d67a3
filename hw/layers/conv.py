"""Fan-out of a convolution: an event becomes a walk over the places of the map that see it."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from ..plan.conv import ConvPlan
from .map_walker import MapWalker, Walk, settable


class ConvWalker(MapWalker):
    """Walks an event's outputs row by row, column by column, and at each place word by word.

    Tables, one a coordinate, give an event's first output, the first weight word and how many outputs there
    are; from there on everything steps. All else see MapWalker.

    From `i` taken to the first pair: 3 clocks when idle, 4 for a TICK. Then one pair a clock, without bubbles
    between events; an event takes at least 2 clocks.

    Members: those of Walker.
    """

    _plan: ConvPlan

    def _walk(self, m: Module) -> Walk:
        y, x, c = self._fields()
        tables = [
            self._table(m, name, field) for name, field in (("rows", y), ("columns", x), ("channels", c))
        ]
        return _ConvWalk(self._plan, *tables)


class _ConvWalk(Walk):
    """Steps through rows, columns and words; `vertical`, `horizontal` and `channel` are the next event's."""

    def __init__(self, plan: ConvPlan, vertical, horizontal, channel):
        self._plan, self._tables = plan, (vertical, horizontal, channel)
        # All else is loaded before a walk begins, and so needs no reset.
        self.walking = Signal()
        sizes = {"row": plan.leaving.height, "column": plan.leaving.width, "word": plan.channel_words}
        self.place, self.left = (
            {
                name: Signal(range(max(n, 2)), name=f"{name}{suffix}", reset_less=True)
                for name, n in sizes.items()
            }
            for suffix in ("", "_left")
        )
        # Where a row of the walk begins, and how long it is; likewise the words of a place.
        self.first_column = Signal.like(self.place["column"], name="first_column", reset_less=True)
        self.all_columns = Signal.like(self.left["column"], name="all_columns", reset_less=True)
        self.first_word = Signal.like(self.place["word"], name="first_word", reset_less=True)
        self.all_words = Signal.like(self.left["word"], name="all_words", reset_less=True)
        self.weight, self.weight_column, self.weight_row = (
            Signal(range(plan.weight_words), name=name, reset_less=True)
            for name in ("weight", "weight_column", "weight_row")
        )
        # Whether each of them has come to its last: registers, for all that moves waits for them.
        self.word_ends, self.column_ends, self.row_ends = (
            Const(1, 1) if n == 1 else Signal(name=f"{name}_ends", reset_less=True)
            for name, n in reversed(sizes.items())
        )
        single_word, single_column = Signal(reset_less=True), Signal(reset_less=True)
        self.single_word, self.single_column = single_word, single_column
        self.offers, self.idle = self.walking, ~self.walking
        self.word = Cat(
            self.place["word"][: plan.word_bits],
            self.place["column"][: plan.leaving.x_bits],
            self.place["row"][: plan.leaving.y_bits],
        )

    def ends(self, advance: Value) -> Value:
        return advance & self.word_ends & self.column_ends & self.row_ends

    def carried(self, m: Module, following: Signal, done: Value) -> Value:
        times = Signal.like(following, name="times", reset_less=True)
        with m.If(~self.walking | done):
            m.d.sync += times.eq(following)
        return times

    def step(self, m: Module, begin: Value, advance: Value, done: Value) -> None:
        plan, (vertical, horizontal, channel) = self._plan, self._tables
        rows, columns = plan.axes
        place, left = self.place, self.left
        weight, weight_column, weight_row = self.weight, self.weight_column, self.weight_row
        word_ends, column_ends, row_ends = self.word_ends, self.column_ends, self.row_ends
        step_row = rows.back * columns.kernel * plan.span
        step_column = columns.back * plan.span
        # One condition enables all registers, without waiting for what ends.
        with m.If(~self.walking | advance):
            with m.If(~self.walking | done):
                begin_weight = Signal.like(weight)
                m.d.comb += begin_weight.eq(vertical.weight + horizontal.weight + channel.weight)
                m.d.sync += [
                    self.walking.eq(begin & vertical.any & horizontal.any),
                    place["row"].eq(vertical.first),
                    left["row"].eq(vertical.more),
                    place["column"].eq(horizontal.first),
                    self.first_column.eq(horizontal.first),
                    left["column"].eq(horizontal.more),
                    self.all_columns.eq(horizontal.more),
                    place["word"].eq(channel.first),
                    self.first_word.eq(channel.first),
                    left["word"].eq(channel.more),
                    self.single_word.eq(channel.more == 0),
                    self.single_column.eq(horizontal.more == 0),
                    *settable(word_ends, channel.more == 0),
                    *settable(column_ends, horizontal.more == 0),
                    *settable(row_ends, vertical.more == 0),
                    self.all_words.eq(channel.more),
                    weight.eq(begin_weight),
                    weight_column.eq(begin_weight),
                    weight_row.eq(begin_weight),
                ]
            with m.Else():
                m.d.sync += [
                    place["word"].eq(place["word"] + 1),
                    left["word"].eq(left["word"] - 1),
                ]
                m.d.sync += [weight.eq(weight + 1), *settable(word_ends, left["word"] == 1)]
                with m.If(word_ends):
                    m.d.sync += [
                        *settable(word_ends, self.single_word),
                        *settable(column_ends, left["column"] == 1),
                    ]
                    m.d.sync += [place["word"].eq(self.first_word), left["word"].eq(self.all_words)]
                    after_column = Mux(column_ends, weight_row - step_row, weight_column - step_column)
                    m.d.sync += [weight.eq(after_column), weight_column.eq(after_column)]
                    m.d.sync += [
                        place["column"].eq(place["column"] + columns.step),
                        left["column"].eq(left["column"] - 1),
                    ]
                    with m.If(column_ends):
                        m.d.sync += [
                            *settable(column_ends, self.single_column),
                            *settable(row_ends, left["row"] == 1),
                        ]
                        m.d.sync += [
                            place["column"].eq(self.first_column),
                            left["column"].eq(self.all_columns),
                        ]
                        m.d.sync += [
                            place["row"].eq(place["row"] + rows.step),
                            left["row"].eq(left["row"] - 1),
                            weight_row.eq(weight_row - step_row),
                        ]
