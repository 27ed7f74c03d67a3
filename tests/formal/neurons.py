"""The neurons' datapath against its equation, for all inputs and so all membranes, at small widths."""

import functools

import numpy as np
from amaranth.hdl import Array, Cat, Const, Mux, Signal, Value, signed

from formal.bench import Bench, packed
from formal.mutation import Mutant
from formal.proof import Proof
from twinspike.hw.layers.neurons import Neurons
from twinspike.hw.parts.arithmetic import clamp, leak
from twinspike.hw.plan import STATE_LATENCY, UPDATE_LATENCY
from twinspike.hw.plan.dense import DensePlan
from twinspike.numerics.lif import state_range
from twinspike.quant.layer import Layer
from twinspike.quant.spec import NeuronSpec

# Wide enough that nothing in the equation can overflow.
WIDE = signed(11)


def limited(value: Value, bits: int) -> Value:
    """The clamp of the equation, by comparing."""
    low, high = state_range(bits)
    return Mux(value < low, low, Mux(value > high, high, value))


def swept(spec: NeuronSpec, total: Value, threshold: Value, fired: Value) -> tuple[Value, Value]:
    """What a step's end makes of its sum: (the membrane before its leak, the spike)."""
    u = limited(total, spec.state_bits)
    spike = (u >= threshold) & ~(fired if spec.single_spike else Const(0, 1))
    return Mux(spike, u - threshold if spec.reset == "subtract" else 0, u), spike


def leaked(spec: NeuronSpec, v: Value) -> Value:
    """v - floor(v / 2^k)."""
    return v - v // (1 << spec.leak_shift) if spec.leak_shift else v


def arithmetic(width: int) -> Bench:
    """`clamp` of every value of `width` bits to every lesser width, and `leak` by every shift."""
    b = Bench()
    value = b.past(b.free(signed(width), "value"))
    for bits in range(2, width + 1):
        b.holds(clamp(value, bits) == limited(value, bits))
    for shift in range(width + 2):
        b.holds(leak(value, shift) == (value - value // (1 << shift) if shift else value))
    return b


class SlowPlan(DensePlan):
    """A layer of few words that writes its sums back as one of many words does."""

    quick = False


def neurons(plan: DensePlan) -> Bench:
    """Spikes of any pairs and any weights: words in any order, visited no sooner than agreed on.

    Sums stay in the width that was derived, as the proofs below show that they do.
    """
    b = Bench()
    m = b.m
    layer, lanes, spec = plan.layer, plan.lanes, plan.layer.spec
    latency = UPDATE_LATENCY if plan.quick else STATE_LATENCY
    m.submodules.dut = dut = Neurons(plan)
    word, valid = b.free(len(dut.pair.word), "word"), b.free(1, "valid")
    tick, last = b.free(1, "tick"), b.free(1, "last")
    weights = b.free(plan.weight_word_bits, "weights")
    b.assume(word < plan.words)
    # After reset the first visit of each word is that of the quiet sweep, which initialises it.
    initialised = Signal(plan.words)
    quiet = Signal()
    m.d.comb += [
        quiet.eq(~initialised.bit_select(word, 1)),
        dut.pair.word.eq(word),
        dut.pair.tick.eq(tick),
        dut.pair.last.eq(tick & last),
        dut.pair.quiet.eq(quiet),
        dut.pair_valid.eq(valid),
    ]
    b.assume(~quiet | (tick & last))
    with m.If(valid):
        m.d.sync += initialised.bit_select(word, 1).eq(1)
    m.d.sync += dut.weights.eq(weights)
    if plan.quick:
        # There is one write port.
        b.assume(~(valid & ~tick & b.past(valid & tick, STATE_LATENCY - latency)))
    low, high = state_range(plan.accumulator_bits)
    masks = []
    for w in range(plan.words):
        here, mask = valid & (word == w), []
        since = Signal(range(STATE_LATENCY + 1), init=STATE_LATENCY, name=f"since_{w}")
        waits = Signal.like(since, init=STATE_LATENCY, name=f"waits_{w}")
        m.d.sync += since.eq(Mux(here, 1, Mux(since == STATE_LATENCY, since, since + 1)))
        with m.If(here):
            m.d.sync += waits.eq(Mux(tick, STATE_LATENCY, latency))
        b.assume(~here | (since >= waits))
        for lane in range(lanes):
            j = w * lanes + lane
            if j >= plan.neurons:
                mask.append(Const(0, 1))
                continue
            total, fired = Signal(WIDE, name=f"total_{j}"), Signal(name=f"fired_{j}")
            current, membrane = Signal(WIDE, name=f"current_{j}"), Signal(WIDE, name=f"membrane_{j}")
            field = weights[lane * spec.weight_bits : (lane + 1) * spec.weight_bits]
            if spec.weight_bits == 1:
                m.d.comb += current.eq(Mux(field, -1, 1))
            else:
                m.d.comb += current.eq(field.as_signed())
            added = Mux(tick, int(layer.bias[j]), current)
            b.assume(~here | quiet | ((total + added >= low) & (total + added <= high)))
            threshold = Const(int(layer.threshold[j]), 16)
            v, spike = swept(spec, total + added, threshold, fired)
            m.d.comb += membrane.eq(v)
            with m.If(here & ~quiet):
                m.d.sync += [
                    total.eq(Mux(tick, Mux(last, 0, leaked(spec, membrane)), total + current)),
                    fired.eq(Mux(tick, (fired | spike) & ~last, fired)),
                ]
            mask.append(spike)
        masks.append(Cat(mask))
    b.in_order(
        pushed=valid & tick & ~quiet,
        expected=[packed(Array(masks)[word], word, word == plan.words - 1, last)],
        popped=dut.spikes_valid,
        payload=Value.cast(dut.spikes),
        most=STATE_LATENCY + 2,
    )
    return b


def accumulator(seed: int) -> Bench:
    """Inputs of a random layer spike in any order, any of them, in any number of steps and frames."""
    b = Bench()
    m = b.m
    rng = np.random.default_rng(seed)
    inputs, neurons = 5, 2
    spec = NeuronSpec(weight_bits=4, leak_shift=seed % 3, reset=("subtract", "zero")[seed % 2], state_bits=4)
    layer = Layer(
        spec,
        rng.integers(-7, 8, (neurons, inputs)).astype(np.int8),
        rng.integers(-9, 10, neurons).astype(np.int32),
        rng.integers(1, 9, neurons).astype(np.int32),
    )
    width = DensePlan(layer, 1, "block").accumulator_bits
    seen = Signal(inputs)
    address, tick, last = b.free(range(inputs), "address"), b.free(1, "tick"), b.free(1, "last")
    b.assume(address < inputs)
    b.assume(tick | ~seen.bit_select(address, 1))
    m.d.sync += seen.eq(Mux(tick, 0, seen | (1 << address)))
    low, high = state_range(width)
    for j in range(neurons):
        bias = int(layer.bias[j])
        total, summed = Signal(WIDE, name=f"total_{j}"), Signal(WIDE, name=f"summed_{j}")
        weight = Signal(WIDE, name=f"weight_{j}")
        with m.Switch(address):
            for i in range(inputs):
                with m.Case(i):
                    m.d.comb += weight.eq(int(layer.weight[j, i]))
        # What the adder gives: with a weight, or with the bias where the step ends.
        m.d.comb += summed.eq(total + Mux(tick, bias, weight))
        v, _ = swept(spec, summed, Const(int(layer.threshold[j]), 16), Const(0, 1))
        membrane = Signal(WIDE, name=f"membrane_{j}")
        m.d.comb += membrane.eq(v)
        m.d.sync += total.eq(Mux(tick, Mux(last, 0, leaked(spec, membrane)), summed))
        b.holds((summed >= low) & (summed <= high))
    return b


_NEURONS = [
    # bits, leak, reset, single_spike, state bits, biases, thresholds, lanes
    (1, 0, "subtract", False, 3, (0,), (2,), 1),
    (2, 1, "zero", False, 3, (-1,), (1,), 1),
    (3, 2, "subtract", True, 4, (2, -1), (3, 1), 2),
    (3, 3, "zero", True, 4, (3,), (6,), 1),
    (4, 1, "subtract", False, 5, (-5,), (11,), 1),
    (2, 3, "subtract", True, 2, (0, 1, 0), (1, 2, 1), 2),
]
_NEURON_MUTANTS = (
    Mutant("layers.neurons", "~above[-1]", "~above[-1] & above.any()"),
    Mutant("layers.neurons", "m.d.sync += below.eq(~0)", "m.d.sync += below[0].eq(1)"),
)
_QUICK_MUTANTS = (
    Mutant("layers.neurons", "Mux(swept, after, total) if plan.quick", "total if plan.quick"),
    Mutant(
        "layers.neurons",
        "visited = swept & ~control[late].void if plan.sweeps_reached else swept",
        "visited = swept & ~control[late].quiet",
    ),
)
_SLOW_MUTANTS = (
    Mutant("layers.neurons", "write.en.eq(valid[late])", "write.en.eq(valid[late] & ~control[late].quiet)"),
)


def _neurons_proof(kind, bits, shift, reset, single, state, biases, thresholds, lanes) -> Proof:
    spec = NeuronSpec(bits, shift, reset, single, state)
    # Rows of extreme weights: the sums may be as large as these allow.
    weight = np.full((len(biases), 2), spec.weight_limit, np.int8)
    weight[:, 1] *= -1
    layer = Layer(spec, weight, np.array(biases, np.int32), np.array(thresholds, np.int32))
    plan = kind(layer, lanes, "block")
    mutants = [*_NEURON_MUTANTS, *(_QUICK_MUTANTS if plan.quick else _SLOW_MUTANTS)]
    if plan.accumulator_bits > state + 1:
        mutants.append(Mutant("parts.arithmetic", "sign & ~beyond.all()", "sign & ~beyond.any()"))
    if shift:
        # Of a quick layer's event nothing is written that may have leaked.
        leaks = "~control[4].tick" if plan.quick else "control[4].last"
        mutants.append(Mutant("layers.neurons", "~control[4].tick | control[4].last", leaks))
    if single:
        mutants.append(Mutant("layers.neurons", "fired[3].eq(fired[2] | fires)", "fired[3].eq(fires)"))
    if any(biases):
        mutants.append(
            Mutant("layers.neurons", "Mux(control[1].tick, bias, 0 if hold else weight)", "weight")
        )
    name = f"spikes equal the equation's: {bits}-bit weights, leak {shift}, reset {reset}"
    name += f"{', single spike' if single else ''}, {state}-bit state{', quick' if plan.quick else ''}"
    return Proof("neurons", name, functools.partial(neurons, plan), tuple(mutants))


PROOFS = [
    Proof(
        "neurons",
        "clamp and leak of every 10-bit value, to every width and by every shift",
        functools.partial(arithmetic, 10),
        (
            Mutant("parts.arithmetic", "~sign & beyond.any()", "beyond.any()"),
            Mutant("parts.arithmetic", "return v - (v >> shift)", "return v - (v >> shift) + v[-1]"),
        ),
    ),
    *(_neurons_proof(SlowPlan, *row) for row in _NEURONS),
    *(_neurons_proof(DensePlan, *_NEURONS[index]) for index in (0, 1, 3)),
    *(
        Proof(
            "neurons",
            f"no overflow at the width derived for layer {seed}, in any order of events",
            functools.partial(accumulator, seed),
            (Mutant("plan.words", "return max(1, (high", "return -2 + max(3, (high"),),
        )
        for seed in range(3)
    ),
]
