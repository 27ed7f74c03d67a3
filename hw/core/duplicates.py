"""Noticing an address that comes twice in one time step, without clearing a bit for every input."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from ..parts.events import word_shape
from ..parts.memories import quick

# Addresses that share a memory word: with its tag it fits 16 bits up to 2,048 inputs, one iCE40 block RAM.
GROUP = 8


def rows_layout(inputs: int) -> tuple[int, data.StructLayout]:
    """How many words the memory has, and what one holds."""
    # At least two rows: a memory of one has an address of no bits, which linters dislike.
    words = max(-(-inputs // GROUP), 2)
    return words, data.StructLayout({"tag": bits_for(words), "seen": GROUP})  # 2^bits > words


class DuplicateCheck(wiring.Component):
    """Watches the events that pass and remembers which addresses came since the last TICK.

    Nothing can notice every duplicate with less than a bit per input. Those bits lie in words of 8
    beside the tag of the step in which they were written; a word of another step counts as empty, so
    nothing has to be cleared at a TICK. Tags wrap around: each TICK also empties one word, in turn,
    and all of them have been emptied before a tag comes again.

    It only listens: no latency is added to the events. From a duplicate taken to `found`: 2 clocks.
    `target` is the device that it is made for, if any.

    Members (In): `address`; `taken`: an event or TICK passes in this clock, never in two clocks in
    a row; `tick`. (Out): `found`, high for a clock.
    """

    def __init__(self, inputs: int, target: str = ""):
        self._target = target
        self._words, self._row = rows_layout(inputs)
        super().__init__(
            {
                "address": In(bits_for(max(inputs - 1, 1))),
                "taken": In(1),
                "tick": In(1),
                "found": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        attrs = quick(self._target, self._words * self._row.size)
        m.submodules.rows = rows = Memory(shape=self._row, depth=self._words, init=[], attrs=attrs)
        read, write = rows.read_port(), rows.write_port()
        event, tick = Signal(), Signal()
        address = Signal.like(self.address, reset_less=True)
        # Neither is reset: what a reset leaves in the memory is of an older step like all the rest.
        # `fresh` begins a new step in every clock of a reset and in the first one after it.
        fresh = Signal(init=1)
        tag = Signal(self._row["tag"].shape, reset_less=True)
        emptied = Signal(word_shape(self._words), reset_less=True)
        advance = Signal()
        m.d.comb += [read.addr.eq(self.address[3:]), advance.eq(tick | fresh)]
        m.d.sync += [
            fresh.eq(0),
            event.eq(self.taken & ~self.tick),
            tick.eq(self.taken & self.tick),
            address.eq(self.address),
        ]
        seen, bit = Signal(GROUP), Signal(GROUP)
        m.d.comb += bit.bit_select(address[:3], 1).eq(1)
        with m.If(read.data.tag == tag):
            m.d.comb += seen.eq(read.data.seen)
        m.d.sync += self.found.eq(event & (seen & bit).any())
        m.d.comb += [
            write.en.eq(event | advance),
            write.addr.eq(address[3:]),
            write.data.tag.eq(tag),
            write.data.seen.eq(seen | bit),
        ]
        with m.If(advance):
            m.d.comb += [write.addr.eq(emptied), write.data.seen.eq(0)]
            m.d.sync += tag.eq(tag + 1)
            m.d.sync += emptied.eq(emptied + 1)
            with m.If(emptied == self._words - 1):
                m.d.sync += emptied.eq(0)
        return m
