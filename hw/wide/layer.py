"""A layer with a lane for every neuron: several events per clock, state in registers."""

from itertools import pairwise

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ..parts.arithmetic import clamp, leak
from ..parts.events import mask_layout
from ..parts.trees import registered_sums, tree_sum
from ..plan import LayerPlan
from ..plan.wide import BANK_LEVELS, bank_image, bank_rows, bank_stages, bank_sums, current_bits, total_bits
from ..plan.words import signed_bits
from .beats import beat_layout

# Lanes that share their control registers: one register for all lanes would drive thousands of cells
# across the chip. Synthesis keeps registers of this mark apart although they are equal.
GROUP = 16
REPLICA = {"replica": 1}


class WideLayer(wiring.Component):
    """N integrate-and-fire neurons; E weight rows per clock through an adder tree in each lane.

    The current of a step gathers by itself, beside the membrane, so the next step's events follow a
    TICK at once and only TICKs keep 3 clocks apart (from the membrane through clamp, fire and leak
    back to it). Throughput one beat per clock. From a TICK in `beat` to its spikes: 5 clocks, and one
    for each two adder levels of the bank tree (none for E = 1), whose last level adds to the step's
    current where there are four banks and more.

    Members: `beat` (In, see beat_layout), `spikes` (Out, all N spikes as one word), `spikes_valid`
    (Out). No back-pressure: who sends TICKs sees to their spacing and to room for the spikes.
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        super().__init__(
            {
                "beat": In(beat_layout(plan)),
                "spikes": Out(mask_layout(plan.neurons, 1)),
                "spikes_valid": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        bits = plan.layer.spec.weight_bits
        # Clock by clock behind the beat: row read, row registered, bank tree.
        depth = 2 + bank_stages(plan.events_per_clock)
        beats = [self.beat]
        for k in range(1, depth + 1):
            later = Signal(self.beat.shape(), name=f"beat_{k}")
            m.d.sync += later.eq(beats[-1])
            beats.append(later)
        rows = []
        for bank in range(plan.events_per_clock):
            memory = Memory(shape=plan.neurons * bits, depth=bank_rows(plan), init=bank_image(plan, bank))
            m.submodules[f"weights_{bank}"] = memory
            port = memory.read_port()
            row = Signal(plan.neurons * bits, name=f"row_{bank}", reset_less=True)
            m.d.comb += port.addr.eq(self.beat.row[bank])
            m.d.sync += row.eq(port.data)
            rows.append(row)
        used = Cat(beats[2].row[bank] != 0 for bank in range(plan.events_per_clock))

        for first in range(0, plan.neurons, GROUP):
            control = add_control(m, beats[depth - 1], first)
            for j in range(first, min(first + GROUP, plan.neurons)):
                fields = [row[j * bits : (j + 1) * bits] for row in rows]
                current = bank_sum(m, fields, used, j)
                m.d.comb += self.spikes.mask[j].eq(add_lane(m, plan, j, current, *control))
        _, ticks, lasts = control
        m.d.comb += [
            self.spikes_valid.eq(ticks[3]),
            self.spikes.last.eq(lasts[3]),
            self.spikes.end.eq(1),
        ]
        return m


def add_control(m, beat, group):
    """Registers that steer the lanes of one group, from the beat two clocks before it joins the step's
    current: (fresh, ticks, lasts), where ticks[k] is high k clocks after the TICK's beat does."""
    fresh = Signal(init=1, name=f"fresh_{group}", attrs=REPLICA)
    ticks = [Signal(name=f"tick_{group}_{k}", attrs=REPLICA) for k in range(4)]
    lasts = [Signal(name=f"last_{group}_{k}", attrs=REPLICA) for k in range(4)]
    m.d.sync += [fresh.eq(ticks[0]), ticks[0].eq(beat.tick), lasts[0].eq(beat.last)]
    m.d.sync += [later.eq(now) for chain in (ticks, lasts) for now, later in pairwise(chain)]
    return fresh, ticks, lasts


def bank_sum(m, fields, used, j):
    """Sum of one weight of each bank. A binary row holds signs: used banks count 1, negative ones -1."""
    terms = [field.as_signed() for field in fields]
    if len(fields[0]) == 1:
        terms = [Mux(field, Const(-1, signed(2)), used[b]) for b, field in enumerate(fields)]
    return tree_sum(registered_sums(m, terms, BANK_LEVELS, f"current_{j}", bank_sums(len(terms))))


def add_lane(m, plan, j, current, fresh, ticks, lasts):
    """Neuron j; returns whether it fires, three clocks after the `tick` that ends the step.

    Clock 0: the beat's current is added to the step's, which starts from the bias; 1: the membrane
    joins; 2: clamp and threshold; 3: reset and leak.
    """
    spec = plan.layer.spec
    bias = int(plan.biases[0, j])
    threshold = int(plan.thresholds[0, j])
    step = Signal(signed(current_bits(plan)), name=f"step_{j}", reset_less=True)
    total = Signal(signed(total_bits(plan)), name=f"total_{j}", reset_less=True)
    u = Signal(signed(spec.state_bits), name=f"u_{j}", reset_less=True)
    above = Signal(signed(spec.state_bits + 1), name=f"above_{j}", reset_less=True)
    v = Signal(signed(spec.state_bits), name=f"v_{j}")  # leaked already
    clamped = Signal.like(u, name=f"clamped_{j}")
    m.d.comb += clamped.eq(clamp(total, spec.state_bits))
    m.d.sync += [
        step.eq(Mux(fresh, Const(bias, signed(signed_bits(bias, bias))), step) + current),
        total.eq(step + v),
        u.eq(clamped),
        above.eq(clamped - threshold),
    ]
    fires = Signal(name=f"fires_{j}")
    if spec.single_spike:
        fired = Signal(name=f"fired_{j}")
        m.d.comb += fires.eq((above >= 0) & ~fired)
        with m.If(ticks[3]):
            m.d.sync += fired.eq((fired | fires) & ~lasts[3])
    else:
        m.d.comb += fires.eq(above >= 0)
    after = Signal(signed(spec.state_bits), name=f"after_{j}")
    m.d.comb += after.eq(Mux(fires, above if spec.reset == "subtract" else 0, u))
    with m.If(ticks[3]):
        m.d.sync += v.eq(0 if spec.forget else Mux(lasts[3], 0, leak(after, spec.leak_shift)))
    return fires
