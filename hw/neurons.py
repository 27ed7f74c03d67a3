"""Membrane state of a layer: P lanes that integrate a weight word a clock, and fire on a sweep."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .arithmetic import clamp, leak
from .events import mask_layout
from .plan import STATE_LATENCY, LayerPlan
from .synapses import pair_layout


class Neurons(wiring.Component):
    """P-lane integrate-and-fire over a memory of W state words; integration and sweep share a pipeline.

    A state word holds what the next weights are added to: after a sweep leak(v) + bias of the step
    to come (the bias alone after a frame's last step), then the running sum. A sweep clamps that
    sum to u, compares it with the threshold, resets, and prepares the next step's word.

    Throughput one pair a clock. A pair presented in clock p: state word and weights meet in p + 1,
    clamp and compare in p + 2, reset in p + 3, leak and spikes out in p + 4, bias added and the word
    written back in p + 5, so a word may be visited again 6 clocks later (STATE_LATENCY), which
    DenseSynapses respects.

    Members: `pair`, `pair_valid`, `weights` (In, see DenseSynapses), `spikes` (Out, one word's
    spikes) with `spikes_valid`. No back-pressure: a sweep starts only when there is room.
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        super().__init__({
            "pair": In(pair_layout(plan)),
            "pair_valid": In(1),
            "weights": In(plan.weight_word_bits),
            "spikes": Out(mask_layout(plan.lanes, plan.words)),
            "spikes_valid": Out(1),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        plan, spec = self._plan, self._plan.layer.spec
        lanes = range(plan.lanes)
        lane = data.StructLayout({
            "v": signed(plan.accumulator_bits),
            **({"fired": 1} if spec.single_spike else {}),
        })  # fmt: skip
        bias = plan.padded(plan.layer.bias.astype("int64"))
        threshold = plan.padded(plan.thresholds, fill=1)
        words = data.ArrayLayout(lane, plan.lanes)
        state = Memory(shape=words, depth=plan.words, init=[[{"v": int(b)} for b in row] for row in bias])
        m.submodules.state = state
        read, write = state.read_port(), state.write_port()

        # control[k] is the pair as it was k clocks ago; valid[k] likewise.
        control = [self.pair] + [Signal(pair_layout(plan), name=f"pair_{k}") for k in range(1, STATE_LATENCY)]
        valid = [self.pair_valid] + [Signal(name=f"valid_{k}") for k in range(1, STATE_LATENCY)]
        for k in range(1, STATE_LATENCY):
            m.d.sync += [control[k].eq(control[k - 1]), valid[k].eq(valid[k - 1])]
        m.d.comb += read.addr.eq(self.pair.word)

        thresholds = rom(m, "threshold", threshold, unsigned(plan.threshold_bits), control[1].word)
        biases = rom(m, "bias", bias, signed(plan.bias_bits), control[4].word) if plan.bias_bits else None
        masked = [Signal(name=f"spike_{j}") for j in lanes]
        for j in lanes:
            weight = weight_lane(self.weights, j, spec.weight_bits, control[1].tick)
            bias_j = biases[j] if biases else None
            add_lane(
                m, plan, j, read.data[j], weight, control, thresholds[j], bias_j, masked[j], write.data[j]
            )

        real = plan.neurons - (plan.words - 1) * plan.lanes
        end = Signal()
        m.d.comb += [
            end.eq(control[4].word == plan.words - 1),
            write.addr.eq(control[5].word),
            write.en.eq(valid[5]),
            self.spikes_valid.eq(valid[4] & control[4].tick & ~control[4].quiet),
            # The lanes beyond the last neuron never spike.
            self.spikes.mask.eq(Cat(masked[j] & ~end if j >= real else masked[j] for j in lanes)),
            self.spikes.word.eq(control[4].word),
            self.spikes.end.eq(end),
            self.spikes.last.eq(control[4].last),
        ]
        return m


def add_lane(m, plan, j, stored, weight, control, threshold, bias, spike, written):
    """One neuron lane: `stored` and `written` are its part of the state word before and after."""
    spec = plan.layer.spec
    wide = signed(plan.accumulator_bits)
    total, u, v = (Signal(wide, name=f"{name}_{j}", reset_less=True) for name in ("total", "u", "v"))
    above = Signal(signed(spec.state_bits + 1), name=f"above_{j}", reset_less=True)

    m.d.sync += total.eq(stored.v + weight)

    clamped = Signal(signed(spec.state_bits), name=f"clamped_{j}")
    m.d.comb += clamped.eq(clamp(total, spec.state_bits))
    m.d.sync += [u.eq(Mux(control[2].tick, clamped, total)), above.eq(clamped - threshold)]

    fires = Signal(name=f"fires_{j}")
    reached = control[3].tick & (above >= 0)
    if spec.single_spike:
        fired = [stored.fired] + [Signal(name=f"fired_{j}_{k}", reset_less=True) for k in range(1, 5)]
        for k in (1, 2, 4):
            m.d.sync += fired[k].eq(fired[k - 1])
        m.d.comb += fires.eq(reached & ~fired[2])
        m.d.sync += fired[3].eq(fired[2] | fires)
        m.d.comb += written.fired.eq(fired[4] & ~control[5].last)
    else:
        m.d.comb += fires.eq(reached)
    m.d.sync += [v.eq(Mux(fires, above if spec.reset == "subtract" else 0, u)), spike.eq(fires)]

    # From the membrane v to the word that the next step adds to; integration passes unchanged.
    kept = Signal(wide, name=f"kept_{j}", reset_less=True)
    swept = Mux(control[4].last, 0, leak(v, spec.leak_shift))
    m.d.sync += kept.eq(Mux(control[4].tick, swept, v))
    m.d.comb += written.v.eq(kept if bias is None else kept + Mux(control[5].tick, bias, 0))


def weight_lane(weights, j, bits, tick):
    """Lane j's signed weight in the packed word, 0 on a TICK.

    The word itself reads as 0 on a TICK. A binary weight is stored as its sign alone, so there the
    magnitude (the low bit) must go away too.
    """
    field = weights[j * bits : (j + 1) * bits]
    return field.as_signed() if bits > 1 else Cat(~tick, field).as_signed()


def rom(m, name, table, shape, word):
    """[W, P] constants as a table indexed by `word`, registered: a lane's values one clock later."""
    layout = data.ArrayLayout(shape, table.shape[1])
    if (table == table.reshape(-1)[0]).all():
        return [Const(int(table.reshape(-1)[0]), shape)] * table.shape[1]
    memory = Memory(shape=layout, depth=len(table), init=[[int(x) for x in row] for row in table])
    m.submodules[name] = memory
    port = memory.read_port()
    m.d.comb += port.addr.eq(word)
    return [port.data[j] for j in range(table.shape[1])]
