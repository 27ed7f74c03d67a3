"""Pooling on the way from layer to layer: an event's address becomes that of its window."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..parts.events import event_layout, word_shape
from ..plan.pool import GROUP, PoolPlan


class PoolStage(wiring.Component):
    """Passes events on with the address of their window; drops those that PoolPlan says go nowhere.

    A sum passes each. An "or" passes the first of a step: a bit an output says which were sent, in words of
    GROUP beside the tag of the step in which they were written. A word of another step counts as empty; each
    TICK also empties one word, in turn, so all of them are before a tag comes again.

    Latency 1 clock; an event or TICK is taken every 2 clocks, or the clock after the one before has left.

    Members: `i` (In stream of events, bit fields of the map before), `o` (Out stream, of the map behind).
    """

    def __init__(self, plan: PoolPlan):
        self._plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(event_layout(plan.before.addresses, plan.most))),
                "o": Out(stream.Signature(event_layout(plan.after.addresses, plan.most_after))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan, i, o = self._plan, self.i, self.o
        address, inside = self._window(m)
        if plan.once and plan.most > 1:
            # What counts no times is no spike.
            inside = inside & i.p.times.any()
        full, counts, passes = Signal(), Signal(reset_less=True), Signal()
        held = Signal.like(o.p, reset_less=True)
        m.d.comb += [i.ready.eq(~full), o.p.eq(held), o.valid.eq(full & passes)]
        with m.If(i.ready):
            m.d.sync += [
                full.eq(i.valid),
                counts.eq(inside),
                held.address.eq(address),
                held.tick.eq(i.p.tick),
                held.last.eq(i.p.last),
            ]
            if plan.most_after > 1:
                m.d.sync += held.times.eq(i.p.times)
        with m.If(full & (o.ready | ~passes)):
            m.d.sync += full.eq(0)
        fresh = counts
        if plan.once:
            fresh = counts & ~self._seen(m, address, held, full & passes & o.ready)
        m.d.comb += passes.eq(held.tick | fresh)
        return m

    def _window(self, m: Module) -> tuple[Value, Value]:
        """The address of the window of the event at `i`, and whether there is one."""
        plan, address = self._plan, self.i.p.address
        before, after, window = plan.before, plan.after, plan.pool.window
        low = before.c_bits + before.x_bits
        x, x_inside = _divided(m, "x", address[before.c_bits : low], before.width, window[1], after.x_bits)
        y, y_inside = _divided(
            m, "y", address[low : low + before.y_bits], before.height, window[0], after.y_bits
        )
        return Cat(address[: after.c_bits], x, y), x_inside & y_inside

    def _seen(self, m: Module, address: Value, held: data.View, sent: Value) -> Value:
        """Whether the event that is held has the address of one before it in this step."""
        words, tag_bits = self._plan.seen_shape
        row = data.StructLayout({"tag": tag_bits, "seen": GROUP})
        m.submodules.rows = rows = Memory(shape=row, depth=words, init=[])
        read, write = rows.read_port(), rows.write_port()
        # The tag is not reset, as the memory is not: a reset begins a new step, like a TICK.
        begun = Signal(init=1)
        tag = Signal(tag_bits, reset_less=True)
        emptied = Signal(word_shape(words), reset_less=True)
        seen, bit, advance = Signal(GROUP), Signal(GROUP), Signal()
        m.d.sync += begun.eq(0)
        m.d.comb += [
            read.addr.eq(address[3:]),
            read.en.eq(self.i.ready),
            bit.bit_select(held.address[:3], 1).eq(1),
            advance.eq(sent & held.tick | begun),
            write.en.eq(sent | begun),
            write.addr.eq(held.address[3:]),
            write.data.tag.eq(tag),
            write.data.seen.eq(seen | bit),
        ]
        with m.If(read.data.tag == tag):
            m.d.comb += seen.eq(read.data.seen)
        with m.If(advance):
            m.d.comb += [write.addr.eq(emptied), write.data.seen.eq(0)]
            m.d.sync += [tag.eq(tag + 1), emptied.eq(emptied + 1)]
            with m.If(emptied == words - 1):
                m.d.sync += emptied.eq(0)
        return (seen & bit).any()


def _divided(m: Module, name: str, value: Value, size: int, window: int, bits: int) -> tuple[Value, Value]:
    """A coordinate of a map of `size` divided by its window, and whether that is a whole window."""
    if not len(value):
        return Const(0, bits), Const(1, 1)
    if not window & (window - 1):
        shift = window.bit_length() - 1
        return Cat(value[shift:], Const(0, bits))[:bits], value < size // window * window
    found, inside = Signal(bits, name=f"{name}_window"), Signal(name=f"{name}_inside")
    with m.Switch(value):
        for place in range(size // window * window):
            with m.Case(place):
                m.d.comb += [found.eq(place // window), inside.eq(1)]
    return found, inside
