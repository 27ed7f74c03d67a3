"""The encoder: every set bit exactly once, lowest first, and a TICK behind each step's last word."""

import functools

import numpy as np
from amaranth.hdl import Const, Mux, Value

from formal.bench import Bench, packed, popcount
from formal.mutation import Mutant
from formal.proof import Proof
from twinspike.hw.layers.encoder import Encoder
from twinspike.hw.parts.bits import lowest_bit, several
from twinspike.hw.plan.dense import DensePlan
from twinspike.hw.plan.layer import LayerPlan
from twinspike.quant.layer import Layer
from twinspike.quant.spec import NeuronSpec


def layer_plan(neurons: int, lanes: int) -> LayerPlan:
    """A layer of which only the sizes matter."""
    ones = np.ones(neurons, np.int32)
    return DensePlan(Layer(NeuronSpec(), np.ones((neurons, 1), np.int8), ones, ones), lanes, "block")


def encoder(neurons: int, lanes: int) -> Bench:
    """Words come as MaskQueue gives them: only a step's last one may be empty, padding lanes never spike."""
    b = Bench()
    m = b.m
    plan = layer_plan(neurons, lanes)
    m.submodules.dut = dut = Encoder(plan)
    i, o = dut.i, dut.o
    word = b.free(len(Value.cast(i.payload)), "payload")
    m.d.comb += [
        Value.cast(i.payload).eq(word),
        i.valid.eq(b.free(1, "valid")),
        o.ready.eq(b.free(1, "ready")),
    ]
    mask = i.p.mask
    b.assume(i.p.word < plan.words)
    b.assume(mask.any() | i.p.end)
    for lane in range(lanes):
        b.assume(~mask[lane] | (i.p.word * lanes + lane < neurons))
    # The k-th output of a word: its k-th set bit, or behind the last of them the TICK.
    expected = []
    for k in range(lanes + 1):
        one = Const(1 << len(o.p.address), len(o.p.address) + 1)
        for lane in reversed(range(lanes)):
            mine = mask[lane] & (popcount(mask[:lane]) == k)
            one = Mux(mine, (i.p.word * lanes + lane)[: len(o.p.address)], one)
        expected.append(packed(one, (popcount(mask) == k) & i.p.last))
    due = b.in_order(
        pushed=Mux(i.valid & i.ready, popcount(mask) + i.p.end, 0),
        expected=expected,
        popped=o.valid & o.ready,
        payload=packed(Mux(o.p.tick, 0, o.p.address), o.p.tick, o.p.last),
        most=lanes + 5,
    )
    b.offered_stays(o.valid, o.ready, o.payload)
    b.comes_within(3, o.valid, when=due != 0)
    b.comes_within(lanes + 3, i.ready, when=o.ready)
    return b


def bit_tricks(width: int) -> Bench:
    """`lowest_bit` and `several` against subtraction: x & -x, and x & (x - 1) != 0."""
    b = Bench()
    mask = b.past(b.free(width, "mask"))
    b.holds(lowest_bit(b.m, mask) == (mask & -mask)[:width])
    b.holds(several(b.m, mask) == (mask & (mask - 1)).any())
    return b


_MUTANTS = (
    Mutant("layers.encoder", "with m.Elif(advance):", "with m.Else():"),
    Mutant("layers.encoder", "| word.end)", "| word.last)"),
    Mutant("layers.encoder", "onehot_word * lanes + index", "onehot_word * lanes + (index ^ 1)"),
    Mutant("layers.encoder", "last.eq(is_tick & word.last)", "last.eq(word.last)"),
    Mutant("layers.encoder", "word.mask & ~lowest", "word.mask & ~(lowest | lowest << 1)"),
)

PROOFS = [
    *(
        Proof(
            "encoder",
            f"each set bit once and in order, TICK last ({neurons} neurons, {lanes} lanes)",
            functools.partial(encoder, neurons, lanes),
            _MUTANTS if lanes > 1 else _MUTANTS[1:2],
        )
        for neurons, lanes in ((3, 1), (3, 2), (6, 3), (7, 4), (10, 5))
    ),
    *(
        Proof(
            "encoder",
            f"lowest bit, and several bits, of every {width}-bit mask",
            functools.partial(bit_tricks, width),
            (
                Mutant("parts.bits", "~mask[:i].any() if i else", "~mask[i - 1] if i else"),
                Mutant("parts.bits", "mask[i] & mask[i + 1 :].any()", "mask[i] & mask[i + 1]"),
            )
            if width > 2
            else (),
        )
        for width in (4, 17, 64)
    ),
]
