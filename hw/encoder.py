"""Address-event encoder: words of spikes to addresses, one a clock."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .events import event_layout, mask_layout
from .plan import LayerPlan
from .skid import Skid


class Encoder(wiring.Component):
    """Emits the address of every set bit, lowest first, and a TICK behind each step's last word.

    Two stages (isolate the lowest bit, then encode it) and a skid buffer. A word of s spikes takes
    max(s, 1) clocks, a step's last word s + 1. From a word taken at `i` to its first event at
    `o`: 3 clocks. Back-pressure from `o` is cut by the skid buffer.

    Members: `i` (In stream of spike words), `o` (Out stream of events).
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        super().__init__({
            "i": In(stream.Signature(mask_layout(plan.lanes, plan.words))),
            "o": Out(stream.Signature(event_layout(plan.neurons))),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        lanes = plan.lanes
        m.submodules.skid = skid = Skid(event_layout(plan.neurons))
        wiring.connect(m, skid.o, wiring.flipped(self.o))

        # Stage 1: the word whose spikes are being emitted.
        word = Signal(mask_layout(lanes, plan.words))
        word_valid = Signal()
        rest, lowest = Signal(lanes), Signal(lanes)
        # Stage 2: one spike as a one-hot mask, or none of them for a TICK.
        onehot = Signal(lanes, reset_less=True)
        onehot_word = Signal.like(word.word, reset_less=True)
        tick, last = Signal(reset_less=True), Signal(reset_less=True)
        onehot_valid = Signal()
        advance, is_tick, finished = Signal(), Signal(), Signal()
        m.d.comb += [
            rest.eq(word.mask & (word.mask - 1)),
            lowest.eq(word.mask & ~rest),
            advance.eq(~onehot_valid | skid.i.ready),
            is_tick.eq(~word.mask.any()),
            # A step's last word stays for one more clock, with no spikes left: its TICK.
            finished.eq(~rest.any() & (is_tick | ~word.end)),
            self.i.ready.eq(~word_valid | (advance & finished)),
        ]
        with m.If(self.i.ready):
            m.d.sync += [word.eq(self.i.p), word_valid.eq(self.i.valid)]
        with m.Elif(advance):
            m.d.sync += word.mask.eq(rest)
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
            index.eq(Cat(Cat(onehot[j] for j in range(lanes) if j >> b & 1).any() for b in range(len(index)))),
            skid.i.p.address.eq(onehot_word * lanes + index),
            skid.i.p.tick.eq(tick),
            skid.i.p.last.eq(last),
            skid.i.valid.eq(onehot_valid),
        ]
        return m
