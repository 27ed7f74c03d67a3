"""Membrane state of a layer: P lanes that integrate a weight word per clock, and fire on a sweep."""

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..parts.arithmetic import clamp
from ..parts.events import mask_layout, word_shape
from ..plan import STATE_LATENCY, UPDATE_LATENCY, LayerPlan
from .walker import pair_layout


class Neurons(wiring.Component):
    """P-lane integrate-and-fire over a memory of W state words; integration and sweep share a pipeline.

    A state word holds leak(v) of the step before plus the running sum of weights. A sweep adds the
    bias in place of weights, clamps the sum to u, compares it with the threshold, resets and leaks;
    at a frame's end it writes 0.

    Throughput one pair per clock. A pair presented in clock p: its weights, or biases, arrive and its
    state word is read in p + 1, they are added in p + 2, clamped in p + 3, compared and reset in
    p + 4; in p + 5 spikes are out and the word is written back, so a word may be visited again
    5 clocks after its last visit (STATE_LATENCY).

    In a `quick` layer an integrated sum is written back in p + 3 already, so its word may be visited again
    3 clocks later (UPDATE_LATENCY). An event must follow a sweep's last pair by 3 clocks: there is one
    write port. The walkers respect all of this.

    Where an event may count several times (`most`), its weights are multiplied by `times` as they arrive, by
    additions of shifted copies: a few tables a lane, no clock more. A layer that holds its input has the held
    current beside the membrane: events of step 0 add to it, those of later steps add 0, and each sweep adds
    it to the membrane on the way to the clamp, so that the membrane needs no room for sums. Where it can, a
    neuron that spikes once loses what it holds at its spike, instead of a bit that says so (`silences`).

    In a layer that sweeps what was reached (`sweeps_reached`) a state word has a bit more: whether an event
    has reached it in this frame. One that was not holds zeros and stands for the layer's background of the
    step, which takes its place in p + 2. A sweep's pair that is `void` sends a word without spikes and writes
    nothing.

    Where membranes are added up (`sums`) a neuron never fires, and beside the spikes comes what each u lacks
    to the highest membrane.

    Members: `pair`, `pair_valid`, `weights` (In, see DenseWalker), `spikes` (Out, one word's spikes), with
    `sums` also `lacks` (Out, unsigned, state_bits for each lane, lane 0 lowest), with `spikes_valid`; where
    the layer sweeps what was reached also `fresh` (Out: an event has reached a word for the first time in
    this frame, 3 clocks after its pair) and `fresh_word` (Out). No back-pressure: pairs of a sweep come only
    when there is room.
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        members = {
            "pair": In(pair_layout(plan)),
            "pair_valid": In(1),
            "weights": In(plan.weight_word_bits),
            "spikes": Out(mask_layout(plan.lanes, plan.words)),
            "spikes_valid": Out(1),
        }
        if plan.sums:
            members["lacks"] = Out(plan.queued_bits)
        if plan.sweeps_reached:
            members |= {"fresh": Out(1), "fresh_word": Out(word_shape(plan.words))}
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        plan, spec = self._plan, self._plan.layer.spec
        lanes = range(plan.used_lanes)
        lane = data.StructLayout(
            {
                "v": signed(plan.membrane_bits),
                **({"fired": 1} if plan.marks_fired else {}),
                **({"held": signed(plan.held_bits)} if plan.layer.hold else {}),
            }
        )
        words = data.ArrayLayout(lane, plan.used_lanes)
        if plan.sweeps_reached:
            words = data.StructLayout({"lanes": words, "reached": 1})
        attrs = {"ram_style": plan.state_style} if plan.state_style else {}
        state = Memory(shape=words, depth=plan.words, init=[], attrs=attrs)
        m.submodules.state = state
        read, write = state.read_port(), state.write_port()

        # control[k] is the pair as it was k clocks ago; valid[k] likewise.
        stages = range(1, STATE_LATENCY + 1)
        control = [self.pair, *(Signal(pair_layout(plan), name=f"pair_{k}") for k in stages)]
        valid = [self.pair_valid, *(Signal(name=f"valid_{k}") for k in stages)]
        for k in stages:
            m.d.sync += [control[k].eq(control[k - 1]), valid[k].eq(valid[k - 1])]
        m.d.comb += read.addr.eq(control[1].word)

        def parameter_word(pair):
            return pair.word if plan.parameter_bits is None else pair.word[: plan.parameter_bits]

        biases = rom(m, "bias", plan.biases, signed(max(plan.bias_bits, 1)), parameter_word(control[0]))
        bits = unsigned(plan.threshold_bits)
        margins = rom(m, "threshold", plan.margins, bits, parameter_word(control[3]))
        spikes = [Signal(name=f"spike_{j}") for j in lanes]
        if plan.layer.hold:
            # Whether step 0 is under way: events of later steps do not count.
            first = Signal(init=1)
            with m.If(valid[1] & control[1].tick):
                m.d.sync += first.eq(control[1].last)
        stored, written = read.data, write.data
        if plan.sweeps_reached:
            stored, written = read.data.lanes, write.data.lanes
            self._watch_reached(m, read.data.reached, write.data.reached, control, valid)
            if plan.background_bits:
                stored = self._begun(m, read.data, control, valid)
        lacks = []
        for j in lanes:
            weight = weight_lane(self.weights, j, spec.weight_bits)
            if plan.most > 1:
                weight = repeated(weight, control[1].times)
            if plan.layer.hold:
                weight = Mux(first, weight, 0)
            u = add_lane(
                m,
                plan,
                j,
                stored[j],
                weight,
                biases[j],
                margins[j],
                control,
                spikes[j],
                written[j],
                valid[STATE_LATENCY] & control[STATE_LATENCY].tick,
            )
            if plan.sums:
                # highest - u without an adder: all bits of u but its sign inverted.
                lack = Signal(spec.state_bits, name=f"lack_{j}", reset_less=True)
                m.d.sync += lack.eq(Cat(~u[: spec.state_bits - 1], u[spec.state_bits - 1]))
                lacks.append(lack)

        if plan.sums:
            m.d.comb += self.lacks.eq(Cat(lacks))

        # Padding at the layer's end is gated away; padding inside has a threshold beyond every membrane.
        real = plan.lanes if plan.row else plan.neurons - (plan.words - 1) * plan.lanes
        end = Signal()
        now = control[STATE_LATENCY]
        m.d.comb += [
            end.eq(now.end if plan.listed else now.word == plan.sweep[-1]),
            *written_when(plan, write, control, valid),
            self.spikes_valid.eq(valid[STATE_LATENCY] & now.tick & ~now.quiet),
            # The lanes beyond the last neuron never spike.
            self.spikes.mask.eq(Cat(spikes[j] & ~end if j >= real else spikes[j] for j in lanes)),
            self.spikes.word.eq(now.word),
            self.spikes.end.eq(end),
            self.spikes.last.eq(now.last),
        ]
        return m

    def _watch_reached(self, m, reached, written, control, valid):
        """A word is reached from its first event on, and no longer after a frame's last sweep."""
        now = control[STATE_LATENCY]
        m.d.sync += self.fresh.eq(valid[2] & ~control[2].tick & ~reached)
        m.d.comb += [
            self.fresh_word.eq(control[3].word),
            written.eq(~(valid[STATE_LATENCY] & now.tick & now.last)),
        ]

    def _begun(self, m, word, control, valid):
        """The lanes of a state word as it is read; the background where no event had reached it."""
        plan = self._plan
        pair, step = control[1], Signal(range(max(plan.timesteps, 2)))
        with m.If(valid[1] & pair.tick & pair.end):
            m.d.sync += step.eq(Mux(pair.last, 0, step + 1))
        table, row = plan.backgrounds, Cat(pair.word[: plan.parameter_bits], step)
        table = np.concatenate([table, table[:1]])  # two rows at least, for an address of a bit
        grounds = rom(m, "background", table, signed(plan.background_bits), row)
        found = Signal(word.lanes.shape(), name="begun")
        for lane, stored, ground in zip(found, word.lanes, grounds, strict=False):
            m.d.comb += [lane.eq(stored), lane.v.eq(Mux(word.reached, stored.v, ground))]
        return found


def written_when(plan, write, control, valid):
    """When the word under way is written, and where: at the end, or in a `quick` layer's event before it."""
    late = STATE_LATENCY
    if not plan.quick:
        return [write.addr.eq(control[late].word), write.en.eq(valid[late])]
    swept = valid[late] & control[late].tick
    visited = swept & ~control[late].void if plan.sweeps_reached else swept
    return [
        write.addr.eq(Mux(swept, control[late].word, control[UPDATE_LATENCY].word)),
        write.en.eq(visited | (valid[UPDATE_LATENCY] & ~control[UPDATE_LATENCY].tick)),
    ]


def add_lane(m, plan, j, stored, weight, bias, margin, control, spike, written, swept):
    """One neuron lane: `stored` and `written` are its part of the state word before and after.

    `margin`: its threshold as LayerPlan.margins has it.

    `swept`: a sweep's word is written now. Returns u, a clock after it was clamped.
    """
    spec, hold = plan.layer.spec, plan.layer.hold
    total = Signal(signed(plan.accumulator_bits), name=f"total_{j}", reset_less=True)
    # `below` is ~v = -v - 1.
    u, below = (Signal(signed(plan.membrane_bits), name=f"{n}_{j}", reset_less=True) for n in ("u", "below"))
    operand = Signal(signed(max(plan.bias_bits, len(weight))), name=f"operand_{j}", reset_less=True)
    gathered = total
    if hold:
        held = [Signal(signed(plan.held_bits), name=f"held_{j}_{k}", reset_less=True) for k in range(3, 6)]
        gathered = total + held[0]
    m.d.sync += [
        operand.eq(Mux(control[1].tick, bias, 0 if hold else weight)),
        total.eq(stored.v + operand),
        u.eq(Mux(control[3].tick, clamp(gathered, spec.state_bits), total)),
    ]

    # `above` is only used during a sweep.
    above = Signal(signed(spec.state_bits + 1), name=f"above_{j}")
    fires = Signal(name=f"fires_{j}")
    m.d.comb += above.eq(u[: spec.state_bits].as_signed() + Cat(margin, Const(1, 1)).as_signed())
    reached = control[4].tick & ~above[-1]
    if plan.marks_fired:
        fired = [stored.fired] + [Signal(name=f"fired_{j}_{k}", reset_less=True) for k in range(3, 6)]
        m.d.sync += [fired[1].eq(fired[0]), fired[2].eq(fired[1]), fired[3].eq(fired[2] | fires)]
        after = fired[3] & ~control[5].last
        after = Mux(swept, after, fired[1]) if plan.quick else after
        m.d.comb += [fires.eq(reached & ~fired[2]), written.fired.eq(after)]
    else:
        m.d.comb += fires.eq(reached)
    left = Signal(signed(plan.membrane_bits), name=f"left_{j}")
    subtracts = spec.reset == "subtract" and not plan.silences
    m.d.comb += left.eq(Mux(fires, above if subtracts else 0, u))
    m.d.sync += [below.eq(~left), spike.eq(fires)]
    with m.If(control[4].tick if spec.forget else control[4].last):
        m.d.sync += below.eq(~0)

    # A sweep leaves v inside the state's range; what leaks is found there.
    loss = Signal(signed(max(spec.state_bits - spec.leak_shift, 1)), name=f"loss_{j}", reset_less=True)
    if spec.leak_shift:
        m.d.sync += loss.eq(left[: spec.state_bits].as_signed() >> spec.leak_shift)
        with m.If(~control[4].tick | control[4].last):
            m.d.sync += loss.eq(0)
    # v - loss, without inverters between the registers and the carry chain.
    after = ~(below + loss)
    m.d.comb += written.v.eq(Mux(swept, after, total) if plan.quick else after)
    if hold:
        lost = control[4].last | fires if plan.silences else control[4].last
        hold_current(m, plan, j, stored, weight, held, control, lost, written, swept)
    return u


def hold_current(m, plan, j, stored, weight, held, control, lost, written, swept):
    """Lane j's held current, to which events add; `held` is it 3, 4 and 5 clocks after the pair came.

    `lost`: a sweep's last or one that silences the neuron leaves nothing of it.
    """
    added = Signal.like(held[0], name=f"added_{j}", reset_less=True)
    m.d.sync += [
        added.eq(Mux(control[1].tick, 0, weight)),
        held[0].eq(stored.held + added),
        held[1].eq(held[0]),
        held[2].eq(Mux(lost, 0, held[1])),
    ]
    m.d.comb += written.held.eq(Mux(swept, held[2], held[0]) if plan.quick else held[2])


def repeated(weight, times):
    """weight * times, from shifted copies in a tree of additions: a short path without a multiplier block."""
    parts = [Mux(times[k], weight, 0) << k for k in range(len(times))]
    while len(parts) > 1:
        parts = [sum(parts[at + 1 : at + 2], parts[at]) for at in range(0, len(parts), 2)]
    return parts[0]


def weight_lane(weights, j, bits):
    """Lane j's signed weight in the packed word; a binary one is stored as its sign alone."""
    field = weights[j * bits : (j + 1) * bits]
    return field.as_signed() if bits > 1 else Cat(Const(1, 1), field).as_signed()


def rom(m, name, table, shape, word):
    """[words, P] constants as a table indexed by `word`, registered: a lane's values one clock later."""
    layout = data.ArrayLayout(shape, table.shape[1])
    if (table == table.reshape(-1)[0]).all():
        return [Const(int(table.reshape(-1)[0]), shape)] * table.shape[1]
    if not len(word):
        return [Const(int(value), shape) for value in table[0]]
    memory = Memory(shape=layout, depth=len(table), init=[[int(x) for x in row] for row in table])
    m.submodules[name] = memory
    port = memory.read_port()
    m.d.comb += port.addr.eq(word)
    return [port.data[j] for j in range(table.shape[1])]
