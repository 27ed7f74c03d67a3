"""Buffers: nothing is lost, doubled, reordered or invented, and nothing overflows."""

import functools

from amaranth.hdl import Mux, Signal, Value

from formal.bench import Bench
from formal.mutation import Mutant
from formal.proof import Proof
from twinspike.hw.layers.queue import STEPS_IN_FLIGHT, MaskQueue
from twinspike.hw.parts.fork import Fork
from twinspike.hw.parts.skid import Skid


def skid() -> Bench:
    b = Bench()
    m = b.m
    m.submodules.dut = dut = Skid(3)
    payload = b.free(3, "payload")
    m.d.comb += [
        Value.cast(dut.i.payload).eq(payload),
        dut.i.valid.eq(b.free(1, "valid")),
        dut.o.ready.eq(b.free(1, "ready")),
    ]
    out = Value.cast(dut.o.payload)
    due = b.in_order(
        pushed=dut.i.valid & dut.i.ready,
        expected=[payload],
        popped=dut.o.valid & dut.o.ready,
        payload=out,
        most=2,
    )
    b.offered_stays(dut.o.valid, dut.o.ready, out)
    b.holds(dut.o.valid == (due != 0))
    b.holds(dut.i.ready == (due != 2))
    return b


def fork(output: int) -> Bench:
    """What one output sees, whatever the other one does; the source keeps AXI-Stream's rules."""
    b = Bench()
    m = b.m
    m.submodules.dut = dut = Fork(3)
    payload, valid, refused = b.free(3, "payload"), b.free(1, "valid"), Signal()
    m.d.comb += [dut.i.payload.eq(payload), dut.i.valid.eq(valid)]
    m.d.comb += [o.ready.eq(b.free(1, f"ready_{k}")) for k, o in enumerate(dut.o)]
    m.d.sync += refused.eq(valid & ~dut.i.ready)
    b.assume(~refused | (valid & (payload == b.past(payload))))
    # A payload is due once it is offered for the first time.
    own = dut.o[output]
    due = b.in_order(
        pushed=valid & ~refused,
        expected=[payload],
        popped=b.past(own.valid & own.ready),
        payload=b.past(own.payload),
        most=2,
    )
    b.offered_stays(own.valid, own.ready, own.payload)
    b.comes_within(2, b.past(own.valid & own.ready), when=(due != 0) & own.ready)
    return b


def mask_queue(words: int) -> Bench:
    """The queue with a writer that keeps the rules: it begins a step with room, then writes its words.

    As behind DenseWalker, `room` is seen a clock late and steps begin at least `words` clocks
    apart; how long after its beginning a step's words come, and with what pauses, is left open.
    """
    b = Bench()
    m = b.m
    lanes = 2
    m.submodules.dut = dut = MaskQueue(lanes, words)
    mask, last, begin, write = (
        b.free(lanes, "mask"),
        b.free(1, "last"),
        b.free(1, "begin"),
        b.free(1, "write"),
    )
    # Steps begun whose words are not all written, and the next word.
    owed, word, gap = Signal(range(4)), Signal(range(max(words, 2))), Signal(range(words + 2))
    end = word == words - 1
    b.assume(~begin | (b.past(dut.room) & (gap == 0)))
    b.assume(~write | (owed != 0))
    m.d.sync += [
        owed.eq(owed + begin - (write & end)),
        gap.eq(Mux(begin, max(words - 1, 1), Mux(gap == 0, 0, gap - 1))),
    ]
    with m.If(write):
        m.d.sync += word.eq(Mux(end, 0, word + 1))
    m.d.comb += [
        dut.begin.eq(begin),
        dut.spikes_valid.eq(write),
        dut.spikes.mask.eq(mask),
        dut.spikes.word.eq(word),
        dut.spikes.end.eq(end),
        dut.spikes.last.eq(last),
        dut.o.ready.eq(b.free(1, "ready")),
    ]
    out = Value.cast(dut.o.payload)
    due = b.in_order(
        pushed=write & ((mask != 0) | end),
        expected=[Value.cast(dut.spikes)],
        popped=dut.o.valid & dut.o.ready,
        payload=out,
        most=STEPS_IN_FLIGHT * words,
    )
    b.offered_stays(dut.o.valid, dut.o.ready, out)
    b.comes_within(3, dut.o.valid, when=due != 0)
    # There is room exactly while fewer steps are begun than may be, counted until their last word left.
    begun = Signal(range(STEPS_IN_FLIGHT + 2))
    m.d.sync += begun.eq(begun + begin - (dut.o.valid & dut.o.ready & dut.o.p.end))
    b.holds(dut.room == (begun < STEPS_IN_FLIGHT))
    return b


PROOFS = [
    Proof(
        "skid",
        "two entries, in order, full speed; an offered payload stays",
        skid,
        (
            Mutant("parts.skid", "m.d.sync += spare_valid.eq(1)", "m.d.sync += spare_valid.eq(0)"),
            Mutant("parts.skid", "head_valid.eq(i.valid | spare_valid)", "head_valid.eq(i.valid)"),
            Mutant("parts.skid", "with m.If(i.ready):", "with m.If(i.valid):"),
            Mutant("parts.skid", "m.d.sync += head.eq(spare)", "m.d.sync += head.eq(payload)"),
        ),
    ),
    *(
        Proof(
            "fork",
            f"output {k} gets every payload once, in order; an offered payload stays",
            functools.partial(fork, k),
            (
                Mutant("parts.fork", "o.valid.eq(self.i.valid & ~gave[k])", "o.valid.eq(self.i.valid)"),
                Mutant("parts.fork", "m.d.sync += gave.eq(0)", "m.d.sync += gave.eq(gave)"),
            ),
        )
        for k in (0, 1)
    ),
    *(
        Proof(
            "queue",
            f"keeps every word of a step's {words}, never overflows, gives its room back",
            functools.partial(mask_queue, words),
            (
                Mutant("layers.queue", "with m.If(self.begin & ~release):", "with m.If(self.begin):"),
                Mutant(
                    "layers.queue",
                    "release.eq(take & self.o.p.end)",
                    "release.eq(self.o.valid & self.o.p.end)",
                ),
                Mutant("layers.queue", "Mux(take, ahead != written, taken != written)", "taken != written"),
                Mutant("layers.queue", "self.spikes.mask.any() | self.spikes.end", "self.spikes.mask.any()"),
            ),
        )
        for words in (1, 2)
    ),
]
