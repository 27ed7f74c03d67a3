"""The walker over a convolution: every event's visits as its plan says, and what a TICK sweeps."""

import functools

import numpy as np
from amaranth.hdl import Array, Const, Mux, Signal

from formal.bench import Bench, packed
from formal.mutation import Mutant
from formal.proof import Proof
from formal.synapses import drive
from twinspike.hw.layers.conv import ConvWalker
from twinspike.hw.plan import STATE_LATENCY, UPDATE_LATENCY
from twinspike.hw.plan.conv import ConvPlan
from twinspike.quant.layer import Layer
from twinspike.quant.spec import NeuronSpec
from twinspike.quant.synapses.conv import Conv


def conv_plan(shape, channels: int, kernel, lanes: int, *, reached: bool, **keys) -> ConvPlan:
    """A small convolution; without biases above 0 a TICK sweeps what was reached, else every word."""
    rng = np.random.default_rng(7)
    synapses = Conv.over(shape, channels, kernel, **keys)
    weight = rng.integers(-1, 2, (channels, shape[2] // synapses.groups, *kernel)).astype(np.int8)
    ones = np.ones(channels, np.int32)
    layer = Layer(NeuronSpec(weight_bits=2), weight, ones * (0 if reached else 9), ones, synapses)
    plan = ConvPlan(layer, lanes, "block", timesteps=2)
    assert plan.sweeps_reached == reached
    return plan


def walker(make) -> Bench:
    """Each event makes the visits of its plan, in order; each TICK's sweep stands between its neighbours.

    A sweep visits each word that events have reached in the frame once and no other, in the order in which
    they were first reached, or, where the layer sweeps everything, each word that holds a neuron in order.
    """
    b = Bench()
    m = b.m
    plan = make()
    m.submodules.dut = dut = ConvWalker(plan)
    address, tick, last = drive(b, dut, plan.inputs)
    m.d.comb += dut.room.eq(b.free(1, "room"))
    for padding in np.flatnonzero(plan.arriving.sent < 0).tolist():
        b.assume(address != padding)
    pair, out = dut.pair, dut.pair_valid
    event = out & ~pair.tick
    sweeping = out & pair.tick & ~pair.quiet
    ends = sweeping & pair.end
    void = pair.void if plan.sweeps_reached else Const(0, 1)

    # An event is due as its visits, a TICK as the last pair of its sweep.
    image, visits = plan.weight_image(), [plan.visits(a) for a in range(plan.inputs)]
    most = max(map(len, visits))
    length = Signal(range(most + 2))
    expected = []
    for place in range(max(most, 1)):
        word, weight = Signal.like(pair.word, name=f"word_{place}"), Signal.like(dut.weights)
        with m.Switch(address):
            for a, made in enumerate(visits):
                if place < len(made):
                    with m.Case(a):
                        m.d.comb += [
                            word.eq(made[place].state_word),
                            weight.eq(image[made[place].weight_word]),
                        ]
        both = packed(word, weight)
        expected.append(packed(tick, tick & last, Mux(tick, 0, both)))
    with m.Switch(address):
        for a, made in enumerate(visits):
            with m.Case(a):
                m.d.comb += length.eq(len(made))
    # Weights come a clock behind their pair; those of a sweep mean nothing.
    both = packed(b.past(pair.word), dut.weights)
    due = b.in_order(
        pushed=Mux(dut.i.valid & dut.i.ready, Mux(tick, 1, length), 0),
        expected=expected,
        popped=b.past(event | ends),
        payload=packed(b.past(pair.tick), b.past(pair.last), Mux(b.past(pair.tick), 0, both)),
        most=3 * most + 3,
    )
    b.comes_within(2 * STATE_LATENCY + 6, out, when=(due != 0) & dut.room)

    # Between a sweep's first pair and its last there are no others, and each had room.
    begun = Signal()
    with m.If(sweeping):
        m.d.sync += begun.eq(~pair.end)
    b.holds(sweeping, when=begun & out)
    b.holds(b.past(dut.room, 2), when=sweeping)

    # Neurons writes a word 3 clocks after an event's pair, 5 after a sweep's, where it has one port.
    watched = b.constant(pair.word.shape(), "watched")
    since = Signal(range(STATE_LATENCY + 1), init=STATE_LATENCY)
    waits = Signal.like(since, init=UPDATE_LATENCY)
    visit = out & (pair.word == watched) & ~void
    m.d.sync += since.eq(Mux(visit, 1, Mux(since == STATE_LATENCY, since, since + 1)))
    with m.If(visit):
        m.d.sync += waits.eq(Mux(pair.tick, STATE_LATENCY, UPDATE_LATENCY))
    b.holds(since >= waits, when=visit)
    for clocks in range(1, UPDATE_LATENCY):
        b.holds(~b.past(out & pair.tick, clocks), when=event)

    # After reset a quiet sweep, a frame's end, visits all words; no later one is quiet.
    started = Signal(range(plan.words + 1))
    m.d.sync += started.eq(started + (out & pair.quiet))
    b.holds(pair.quiet == (started != plan.words), when=out)
    b.holds(pair.tick & pair.last & (pair.word == started), when=out & pair.quiet)
    if plan.sweeps_reached:
        _reached(b, plan, dut, event, sweeping, watched)
    else:
        _everything(b, plan, pair, sweeping)
    return b


def _everything(b: Bench, plan: ConvPlan, pair, sweeping) -> None:
    """Each sweep has the words that hold neurons, in order, and ends with the last of them."""
    words = plan.sweep
    place = Signal(range(max(len(words), 2)))
    with b.m.If(sweeping):
        b.m.d.sync += place.eq(Mux(pair.end, 0, place + 1))
    b.holds(pair.word == Array(words)[place], when=sweeping)
    b.holds(pair.end == (place == len(words) - 1), when=sweeping)


def _reached(b: Bench, plan: ConvPlan, dut, event, sweeping, watched) -> None:
    """`watched`, any word, is in a sweep once if an event has reached it in the frame, and else it is not.

    What is reached comes back from Neurons 3 clocks after the pair.
    """
    m, pair = b.m, dut.pair
    reached = Signal(plan.words)
    bit = reached.bit_select(pair.word, 1)
    fresh = event & ~bit
    clears = sweeping & pair.last & pair.end
    with m.If(event):
        m.d.sync += reached.bit_select(pair.word, 1).eq(1)
    with m.If(clears):
        m.d.sync += reached.eq(0)
    m.d.comb += [dut.fresh.eq(b.past(fresh, 3)), dut.fresh_word.eq(b.past(pair.word, 3))]
    known = reached.bit_select(watched, 1)
    here, seen = sweeping & ~pair.void & (pair.word == watched), Signal()
    m.d.sync += seen.eq((seen | here) & ~(sweeping & pair.end))
    b.holds(known & ~seen, when=here)
    b.holds((seen | here) == known, when=sweeping & pair.end)
    b.holds(pair.void == ~reached.any(), when=sweeping)
    # Another word that was reached before it is swept before it.
    other = b.constant(pair.word.shape(), "other")
    earlier = Signal()
    with m.If(event & (pair.word == watched) & ~known):
        m.d.sync += earlier.eq(reached.bit_select(other, 1))
    swept = Signal()
    m.d.sync += swept.eq((swept | sweeping & (pair.word == other)) & ~(sweeping & pair.end))
    b.holds(swept, when=here & earlier & (other != watched))


_READY = Mutant("layers.map_walker", "self.i.ready.eq(~next_valid)", "self.i.ready.eq(1)")
_SWEEP = (
    Mutant("layers.map_walker", "& ~queued & settled & ~sweep.busy", "& ~sweep.busy"),
    Mutant("layers.map_walker", "(~walk.walking | done) & ~sweep.busy", "(~walk.walking | done)"),
    Mutant("layers.sweep", "advance.eq(running & self.room)", "advance.eq(running)"),
    Mutant("layers.sweep", "self.pair.quiet.eq(quiet)", "self.pair.quiet.eq(0)"),
)
_LIST = (
    Mutant("layers.sweep", "top.eq(following), following.eq(following + 1)", "top.eq(following)"),
    Mutant("layers.sweep", "with m.If(last):", "with m.If(1):"),
    Mutant("layers.sweep", "silent.eq(empty & ~quiet)", "silent.eq(0)"),
)
# Of lists of a single word, which come where an event reaches one.
_SINGLE = (
    Mutant("layers.sweep", "final.eq(empty), single.eq(empty)", "final.eq(0), single.eq(empty)"),
    Mutant("layers.sweep", "final.eq(empty | single | last)", "final.eq(empty | last)"),
)
_CASES = [
    (
        "a row, 2 channels of 1 lane",
        functools.partial(conv_plan, (1, 3, 1), 2, (1, 2), 1),
        (
            _READY,
            Mutant("layers.map_walker", "go.eq(queued & ~wait[0])", "go.eq(queued)"),
            Mutant("layers.conv", "weight.eq(weight + 1)", "weight.eq(weight)"),
        ),
    ),
    (
        "columns apart, padding",
        functools.partial(conv_plan, (1, 4, 1), 1, (1, 3), 1, stride=(1, 2), padding=(0, 1)),
        (_READY,),
    ),
    (
        "2 groups",
        functools.partial(conv_plan, (1, 2, 2), 2, (1, 1), 1, groups=2),
        (Mutant("layers.conv", 'place["word"].eq(channel.first)', 'place["word"].eq(0)'),),
    ),
]
_OF_LISTS = (_SWEEP + _LIST, _LIST[:1], _LIST[:1] + _SINGLE)
PROOFS = [
    Proof(
        "conv",
        f"each event its visits, each sweep {'what was reached' if reached else 'every word'} ({name})",
        functools.partial(walker, functools.partial(make, reached=reached)),
        (*_OF_LISTS[index], *mutants[1:]) if reached else mutants,
        refuted_in=25,
    )
    for index, (name, make, mutants) in enumerate(_CASES)
    for reached in (False, True)
]
