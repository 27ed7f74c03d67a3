"""Address-event encoder: words of spikes to addresses, one per clock."""

from typing import Protocol

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..parts.bits import lowest_bit, several
from ..parts.events import event_layout, mask_layout
from ..parts.skid import Skid


class Words(Protocol):
    """Addresses 0..addresses - 1 in words of `lanes`, as of a layer."""

    @property
    def lanes(self) -> int: ...
    @property
    def words(self) -> int: ...
    @property
    def addresses(self) -> int: ...


class Encoder(wiring.Component):
    """Emits the address of every set bit, lowest first, and a TICK behind each step's last word.

    Two stages (isolate the lowest bit, then encode it) before a skid buffer. A word of s spikes
    takes s + 1 clocks, a step's last word s + 2: the next word is taken once the stage is empty,
    which keeps `i.ready` a register; a layer needs longer for an event than that. An `eager` one takes
    the next word as the last event leaves, in s and s + 1 clocks, for sources that are as fast. From a
    word taken at `i` to its first event at `o`: 3 clocks. No combinational path from `o` to `i` or back.

    Members: `i` (In stream of spike words; only a step's last one may be without spikes, as
    MaskQueue sees to), `o` (Out stream of events).
    """

    def __init__(self, plan: Words, *, eager: bool = False):
        self._plan = plan
        self._eager = eager
        super().__init__(
            {
                "i": In(stream.Signature(mask_layout(plan.lanes, plan.words))),
                "o": Out(stream.Signature(event_layout(plan.addresses))),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        lanes = plan.lanes
        m.submodules.events = events = Skid(event_layout(plan.addresses))
        wiring.connect(m, events.o, wiring.flipped(self.o))

        # Stage 1: the word whose spikes are being emitted.
        word = Signal(mask_layout(lanes, plan.words))
        word_valid = Signal()
        lowest = Signal(lanes)
        # Stage 2: one spike as a one-hot mask, or none of them for a TICK.
        onehot = Signal(lanes, reset_less=True)
        onehot_word = Signal.like(word.word, reset_less=True)
        tick, last = Signal(reset_less=True), Signal(reset_less=True)
        onehot_valid = Signal()
        advance, is_tick, finished = Signal(), Signal(), Signal()
        m.d.comb += [
            lowest.eq(lowest_bit(m, word.mask)),
            advance.eq(~onehot_valid | events.i.ready),
            is_tick.eq(~word.mask.any()),
            # A step's last word stays for one more clock, with no spikes left: its TICK.
            finished.eq(is_tick | ~(several(m, word.mask) | word.end)),
            self.i.ready.eq(~word_valid | (advance & finished if self._eager else 0)),
        ]
        with m.If(self.i.ready):
            m.d.sync += [word.eq(self.i.p), word_valid.eq(self.i.valid)]
        with m.Elif(advance):
            m.d.sync += [word.mask.eq(word.mask & ~lowest), word_valid.eq(~finished)]
        with m.If(advance):
            m.d.sync += [
                onehot.eq(lowest),
                onehot_word.eq(word.word),
                tick.eq(is_tick),
                last.eq(is_tick & word.last),
                onehot_valid.eq(word_valid),
            ]

        index = Signal(range(max(lanes, 2)))
        m.d.comb += [
            index.eq(
                Cat(Cat(onehot[j] for j in range(lanes) if j >> b & 1).any() for b in range(len(index)))
            ),
            events.i.p.address.eq(onehot_word * lanes + index),
            events.i.p.tick.eq(tick),
            events.i.p.last.eq(last),
            events.i.valid.eq(onehot_valid),
        ]
        return m
