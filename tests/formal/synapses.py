"""The walker over synapses: what Neurons (neurons.py) relies on, for every stream of events."""

import functools

import numpy as np
from amaranth.hdl import Const, Mux, Signal

from formal.bench import Bench, packed
from formal.mutation import Mutant
from formal.proof import Proof
from twinspike.hw.layers.dense import DenseWalker
from twinspike.hw.plan import STATE_LATENCY, UPDATE_LATENCY
from twinspike.hw.plan.dense import DensePlan
from twinspike.quant.layer import Layer
from twinspike.quant.spec import NeuronSpec


def layer_plan(inputs: int, neurons: int, lanes: int, seed: int, **spec) -> DensePlan:
    rng = np.random.default_rng(seed)
    neuron = NeuronSpec(**spec)
    limit = neuron.weight_limit
    weight = rng.integers(-limit, limit + 1, (neurons, inputs))
    if neuron.weight_bits == 1:
        weight = np.where(weight > 0, 1, -1)
    bias = rng.integers(-1, 2, neurons)
    threshold = rng.integers(1, limit + 1, neurons)
    layer = Layer(neuron, weight.astype(np.int8), bias.astype(np.int32), threshold.astype(np.int32))
    return DensePlan(layer, lanes, "block")


def drive(b: Bench, dut, inputs: int):
    """Any events and TICKs at `dut.i`; returns (address, tick, last) of its payload."""
    address, tick, last = b.free(len(dut.i.p.address), "address"), b.free(1, "tick"), b.free(1, "last")
    b.m.d.comb += [
        dut.i.p.address.eq(address),
        dut.i.p.tick.eq(tick),
        dut.i.p.last.eq(last),
        dut.i.valid.eq(b.free(1, "valid")),
    ]
    b.assume(address < inputs)
    return address, tick, last


def synapses(inputs: int, neurons: int, lanes: int) -> Bench:
    """Each event walks its own row, each TICK the state words: all of them, once, in order."""
    b = Bench()
    m = b.m
    plan = layer_plan(inputs, neurons, lanes, seed=7, weight_bits=2)
    m.submodules.dut = dut = DenseWalker(plan)
    address, tick, last = drive(b, dut, inputs)
    m.d.comb += dut.room.eq(b.free(1, "room"))
    words, image = plan.words, plan.weight_image()
    expected = []
    for w in range(words):
        weight = Signal(plan.weight_word_bits, name=f"weight_{w}")
        with m.Switch(address):
            for i in range(inputs):
                with m.Case(i):
                    m.d.comb += weight.eq(image[plan.visits(i)[w].weight_word])
        state_word = Const(plan.visits(0)[w].state_word, len(dut.pair.word))
        expected.append(packed(state_word, tick, tick & last, Mux(tick, 0, weight)))
    counted = dut.pair_valid & ~dut.pair.quiet
    # Those of a sweep mean nothing.
    weights = Mux(b.past(dut.pair.tick), 0, dut.weights)
    due = b.in_order(
        pushed=Mux(dut.i.valid & dut.i.ready, words, 0),
        expected=expected,
        # Weights come a clock behind their pair.
        popped=b.past(counted),
        payload=packed(*(b.past(x) for x in (dut.pair.word, dut.pair.tick, dut.pair.last)), weights),
        most=3 * words,
    )
    b.comes_within(2 * plan.tick_clocks + 4, dut.pair_valid, when=(due != 0) & dut.room)
    # No state word is visited again before its update was written back; a quick layer writes one at a time.
    latency = UPDATE_LATENCY if plan.quick else STATE_LATENCY
    watched = b.constant(dut.pair.word.shape(), "watched")
    since = Signal(range(STATE_LATENCY + 1), init=STATE_LATENCY)
    waits = Signal.like(since, init=STATE_LATENCY)
    visit = dut.pair_valid & (dut.pair.word == watched)
    m.d.sync += since.eq(Mux(visit, 1, Mux(since == STATE_LATENCY, since, since + 1)))
    with m.If(visit):
        m.d.sync += waits.eq(Mux(dut.pair.tick, STATE_LATENCY, latency))
    b.holds(since >= waits, when=visit)
    writes_early = b.past(dut.pair_valid & ~dut.pair.tick, latency)
    b.holds(~writes_early, when=b.past(dut.pair_valid & dut.pair.tick, STATE_LATENCY))
    # After reset each word is visited first by the quiet sweep, a frame's end, and by no later one.
    visited = Signal(words)
    known = visited.bit_select(dut.pair.word, 1)
    with m.If(dut.pair_valid):
        m.d.sync += visited.bit_select(dut.pair.word, 1).eq(1)
    b.holds(dut.pair.quiet == ~known, when=dut.pair_valid)
    b.holds(dut.pair.tick & dut.pair.last, when=dut.pair_valid & dut.pair.quiet)
    # A sweep is announced once, with room, before its first word.
    announced = Signal(2)
    first = dut.pair_valid & dut.pair.tick & ~dut.pair.quiet & (dut.pair.word == 0)
    m.d.sync += announced.eq(announced + dut.sweep - first)
    b.holds(announced <= 2)
    b.holds(announced != 0, when=first)
    b.holds(b.past(dut.room), when=dut.sweep)
    return b


PROOFS = [
    *(
        Proof(
            "synapses",
            f"each row once, in order, no word too soon ({inputs}-{neurons}, {lanes} lanes)",
            functools.partial(synapses, inputs, neurons, lanes),
            (
                Mutant("layers.dense", "plan.row_clocks - 2", "plan.row_clocks - 3"),
                Mutant("layers.dense", "plan.tick_clocks - 2", "plan.tick_clocks - 3"),
                Mutant("layers.dense", "(~next_tick | room)", "1"),
                Mutant("layers.dense", "self.pair.quiet.eq(quiet)", "self.pair.quiet.eq(0)"),
                Mutant("layers.dense", "self.i.ready.eq(~next_valid)", "self.i.ready.eq(1)"),
                Mutant("layers.dense", "self.i.p.address * plan.words", "self.i.p.address"),
            )[: 6 if neurons > lanes else 5],
        )
        for inputs, neurons, lanes in ((3, 2, 2), (2, 3, 1), (2, 4, 1), (3, 7, 1))
    ),
]
