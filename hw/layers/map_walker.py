"""What walkers over feature maps share: the clockwork of events, sweeps and pairs that may have to wait."""

import abc

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.utils import bits_for

from ..plan import UPDATE_LATENCY
from ..plan.map_layer import MapPlan
from .sweep import Sweep
from .walker import Walker, pair_layout


class Walk(abc.ABC):
    """The walk of an event: the pair that it offers in this clock, and how it goes on.

    `walking`: an event is under way, and the next one cannot begin unless it is `done`; `offers`: a pair is
    offered; `idle`: no pair will come; `word`, `weight`: of the pair offered.
    """

    walking: Value
    offers: Value
    idle: Value
    word: Value
    weight: Signal

    @abc.abstractmethod
    def ends(self, advance: Value) -> Value:
        """Whether the event under way leaves room for the next one; `advance`: the pair offered is taken."""

    @abc.abstractmethod
    def step(self, m: Module, begin: Value, advance: Value, done: Value) -> None:
        """Go on: `begin` the event that the tables speak of, or with the one under way."""

    @abc.abstractmethod
    def carried(self, m: Module, following: Signal, done: Value) -> Value:
        """What `following` is of the next event, of the event whose pair is offered."""


class MapWalker(Walker):
    """Walks what the visits of its plan say of an event; on a TICK Sweep gives the words of its list.

    A pair is queued before it goes out, and waits there until its state word may be read again: 3 clocks
    after an event's pair of the same word (UPDATE_LATENCY). A sweep begins 4 clocks after the last pair
    before it, an event's walk 4 clocks after a sweep's last pair; so no other pair has to wait
    (STATE_LATENCY). A sweep goes on while there is `room`. After reset one quiet sweep initialises the state.

    Members: those of Walker.
    """

    _plan: MapPlan

    def _walk(self, m: Module) -> Walk:
        """The walk of the kind, with its tables, which are read of the event at `i`."""
        raise NotImplementedError

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        memory = self.add_memory(m)
        m.submodules.sweeper = sweep = Sweep(plan)

        # The next operation; what the tables say of it comes in the same clock.
        next_valid = Signal()
        next_tick, next_last = Signal(reset_less=True), Signal(reset_less=True)
        walk = self._walk(m)

        # The pair that goes out next.
        queued, pair = Signal(), Signal(pair_layout(plan), reset_less=True)
        queued_weight = Signal.like(walk.weight, reset_less=True)
        wait = Signal(UPDATE_LATENCY - 1)
        go, advance, done = Signal(), Signal(), Signal()
        begin, sweeps, settled = Signal(), Signal(), Signal()
        m.d.comb += [
            go.eq(queued & ~wait[0]),
            advance.eq(walk.offers & (~queued | go)),
            done.eq(walk.ends(advance)),
            begin.eq(next_valid & ~next_tick & (~walk.walking | done) & ~sweep.busy),
            # Whatever was reached has been listed by then.
            sweeps.eq(next_valid & next_tick & walk.idle & ~queued & settled & ~sweep.busy),
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

        walk.step(m, begin, advance, done)

        # A pair's word is compared with those that went out shortly before while the pair is queued.
        word = Signal.like(pair.word)
        m.d.comb += word.eq(walk.word)
        waits = self._waits(m, word, pair, queued, go)
        with m.If(sweep.pair_valid):
            m.d.sync += [queued.eq(1), pair.eq(sweep.pair), wait.eq(0)]
        with m.Elif(advance):
            m.d.sync += [
                queued.eq(1),
                pair.eq(0),
                pair.word.eq(word),
                queued_weight.eq(walk.weight),
                wait.eq(waits),
            ]
        with m.Else():
            m.d.sync += wait.eq(wait >> 1)
            with m.If(go):
                m.d.sync += queued.eq(0)
        gone = Signal()
        m.d.sync += [gone.eq(go), settled.eq(~(go | gone))]

        if plan.most > 1:
            next_times = Signal.like(pair.times, reset_less=True)
            with m.If(self.i.ready):
                m.d.sync += next_times.eq(self.i.p.times)
            times = walk.carried(m, next_times, done)
            with m.If(advance):
                m.d.sync += pair.times.eq(times)

        # The word of the next clock, for a memory that is told so early.
        ahead = Mux(advance, walk.weight, queued_weight)
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
            late = Signal(name=f"out_{d}"), Signal.like(word, name=f"word_{d}", reset_less=True)
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


def settable(flag: Value, value: Value) -> list:
    """What gives a flag its value: nothing where it is a constant."""
    return [] if isinstance(flag, Const) else [flag.eq(value)]
