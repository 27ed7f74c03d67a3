"""Fan-out of free taps: an event becomes a walk over the taps of its channel that can see it."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory

from ..plan.taps import TapsPlan
from .map_walker import MapWalker, Walk


class TapsWalker(MapWalker):
    """Walks an event's list of taps, and for each the words of the place that sees the event with it.

    A table says where the list begins; a memory of taps, read one a clock, by how much each lies down and
    right. One that would see the event from outside the map is left out and takes a clock. All else see
    MapWalker.

    From `i` taken to the first pair: 4 clocks when idle, also for a TICK. Then one pair a clock, without
    bubbles between taps and events but for those left out; an event takes at least 2 clocks.

    Members: those of Walker.
    """

    _plan: TapsPlan

    def _walk(self, m: Module) -> Walk:
        plan = self._plan
        y, x, c = self._fields()
        arriving, (y_bits, x_bits) = plan.arriving, plan.phase_bits
        (row, y_rest), (column, x_rest) = (
            _divided(m, "y", y, arriving.height, plan.stride[0]),
            _divided(m, "x", x, arriving.width, plan.stride[1]),
        )
        # The next event's place, which stands as long as what the tables give.
        next_row, next_column = Signal.like(row), Signal.like(column)
        with m.If(self.i.ready):
            m.d.sync += [next_row.eq(row), next_column.eq(column)]
        where = Cat(x_rest[:x_bits], y_rest[:y_bits], c[: arriving.c_bits])
        lists = self._table(m, "lists", where if len(where) else Const(0, 1))
        return _TapsWalk(m, plan, (next_row, next_column), lists, self._table(m, "channels", c))


class _TapsWalk(Walk):
    """Reads tap after tap; behind that stands the place of the latest one, whose words are offered.

    `next_place`, `lists` and `channel` are the next event's.
    """

    def __init__(self, m: Module, plan: TapsPlan, next_place: tuple[Signal, Signal], lists, channel):
        self._plan, self._next = plan, (*next_place, lists, channel)
        rows = plan.tables()["taps"]
        wrap = [1 << bits for bits in plan.step_bits]
        content = [
            {
                name: n - size if 2 * n >= size else n
                for name, n, size in zip(("down", "right"), row, wrap, strict=True)
            }
            for row in rows.tolist()
        ]
        content += content[:1] * (len(content) == 1)
        widths = dict(zip(("down", "right"), map(signed, plan.step_bits), strict=True))
        m.submodules.taps = memory = Memory(shape=data.StructLayout(widths), depth=len(content), init=content)
        self._read = memory.read_port()

        # The event under way: the tap being read, how many follow, their weights and words.
        self.walking, self._tap = (
            Signal(name="walking"),
            Signal(range(len(content)), name="tap", reset_less=True),
        )
        self._taps_left = Signal.like(lists.more, name="taps_left", reset_less=True)
        self._tap_weight = Signal(range(plan.weight_words), name="tap_weight", reset_less=True)
        self._from = tuple(
            Signal.like(field, name=f"from_{field.name[5:]}", reset_less=True) for field in next_place
        )
        self._first_word = Signal.like(channel.first, name="first_word", reset_less=True)
        self._all_words = Signal.like(channel.more, name="all_words", reset_less=True)
        # The place that sees it.
        self.offers = Signal(name="offers")
        self._row = Signal(range(max(plan.leaving.height, 2)), name="row", reset_less=True)
        self._column = Signal(range(max(plan.leaving.width, 2)), name="column", reset_less=True)
        self._word = Signal(range(max(plan.channel_words, 2)), name="word_of_place", reset_less=True)
        self._words_left = Signal.like(channel.more, name="words_left", reset_less=True)
        self.weight = Signal(range(plan.weight_words), name="weight", reset_less=True)
        self.idle = ~self.walking & ~self.offers
        self.word = Cat(
            self._word[: plan.word_bits],
            self._column[: plan.leaving.x_bits],
            self._row[: plan.leaving.y_bits],
        )

    def _moves(self, advance: Value) -> Value:
        """Whether the place makes room for that of the next tap."""
        return ~self.offers | (advance & (self._words_left == 0))

    def ends(self, advance: Value) -> Value:
        return self.walking & (self._taps_left == 0) & self._moves(advance)

    def carried(self, m: Module, following: Signal, done: Value) -> Value:
        of_event, of_place = (
            Signal.like(following, name=name, reset_less=True) for name in ("times", "place_times")
        )
        with m.If(~self.walking | done):
            m.d.sync += of_event.eq(following)
        with m.If(self._moved):
            m.d.sync += of_place.eq(of_event)
        return of_place

    def step(self, m: Module, begin: Value, advance: Value, done: Value) -> None:
        row, column, lists, channel = self._next
        plan, tap = self._plan, self._read.data
        self._moved = moves = Signal(name="moves")
        to_row, to_column = self._from[0] + tap.down, self._from[1] + tap.right
        inside = Signal(name="inside")
        m.d.comb += [
            moves.eq(self._moves(advance)),
            self._read.addr.eq(Mux(begin, lists.first, self._tap + 1)),
            self._read.en.eq(begin | self.walking & moves),
            inside.eq(
                (to_row >= 0)
                & (to_row < plan.leaving.height)
                & (to_column >= 0)
                & (to_column < plan.leaving.width)
            ),
        ]
        with m.If(~self.walking | done):
            m.d.sync += [
                self.walking.eq(begin & lists.any),
                self._tap.eq(lists.first),
                self._taps_left.eq(lists.more),
                self._tap_weight.eq(lists.weight),
                self._from[0].eq(row),
                self._from[1].eq(column),
                self._first_word.eq(channel.first),
                self._all_words.eq(channel.more),
            ]
        with m.Elif(moves):
            m.d.sync += [
                self._tap.eq(self._tap + 1),
                self._taps_left.eq(self._taps_left - 1),
                self._tap_weight.eq(self._tap_weight + plan.span),
            ]
        with m.If(moves):
            m.d.sync += [
                self.offers.eq(self.walking & inside),
                self._row.eq(to_row),
                self._column.eq(to_column),
                self._word.eq(self._first_word),
                self._words_left.eq(self._all_words),
                self.weight.eq(self._tap_weight),
            ]
        with m.Elif(advance):
            m.d.sync += [
                self._word.eq(self._word + 1),
                self._words_left.eq(self._words_left - 1),
                self.weight.eq(self.weight + 1),
            ]


def _divided(m: Module, name: str, value: Value, size: int, stride: int) -> tuple[Value, Value]:
    """Quotient and remainder of a coordinate below `size` by the stride, found by logic alone."""
    if stride >= size:
        return Const(0, 1), value
    if not stride & (stride - 1):
        shift = stride.bit_length() - 1
        return value[shift:], value[:shift]
    quotient = Signal(range((size - 1) // stride + 1), name=f"{name}_quotient")
    rest = Signal(range(stride), name=f"{name}_rest")
    with m.Switch(value):
        for place in range(size):
            with m.Case(place):
                m.d.comb += [quotient.eq(place // stride), rest.eq(place % stride)]
    return quotient, rest
