"""From a wide layer's spikes to the next layer's beats: a queue of steps and a serialiser a bank."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from ..parts.bits import three
from ..parts.events import mask_layout
from ..plan import LayerPlan
from ..plan.wide import QUEUE_STEPS
from .beats import beat_layout, tick_gate

# Banks that a register answers for, whether they have spikes left.
TOGETHER = 4


class StepQueue(wiring.Component):
    """Holds the spikes of up to 15 steps; the writer asks for `room` when it sends a step's TICK.

    Latency 0 clocks while it is empty, one step a clock.

    Members: `spikes`, `spikes_valid`, `begin` (In), `room` (Out), `o` (Out stream).
    """

    def __init__(self, neurons: int):
        self._layout = mask_layout(neurons, 1)
        super().__init__(
            {
                "spikes": In(self._layout),
                "spikes_valid": In(1),
                "begin": In(1),
                "room": Out(1),
                "o": Out(stream.Signature(self._layout)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = SyncFIFO(width=self._layout.size, depth=QUEUE_STEPS)
        # The oldest step that had to wait stands in a register: from the queue's memory it would come late
        # in a clock. While there is none the queue is empty, and a step that is taken at once passes by.
        head, waiting = Signal(self._layout, reset_less=True), Signal()
        refill, passes = Signal(), Signal()
        steps, release = Signal(range(QUEUE_STEPS + 1)), Signal()
        after, room = Signal.like(steps), Signal(init=1)
        m.d.comb += [
            refill.eq(~waiting | self.o.ready),
            passes.eq(~waiting & self.o.ready),
            fifo.w_data.eq(self.spikes),
            fifo.w_en.eq(self.spikes_valid & (fifo.r_rdy | ~refill)),
            fifo.r_en.eq(refill),
            self.o.p.eq(Mux(waiting, head, self.spikes)),
            self.o.valid.eq(waiting | self.spikes_valid),
            release.eq(self.o.valid & self.o.ready),
            after.eq(steps + (self.begin & ~release) - (release & ~self.begin)),
            self.room.eq(room),
        ]
        with m.If(refill):
            m.d.sync += [
                head.eq(Mux(fifo.r_rdy, fifo.r_data, self.spikes)),
                waiting.eq(fifo.r_rdy | (self.spikes_valid & ~passes)),
            ]
        # Two clocks late with the register of tick_gate, which TICKs 3 clocks apart never meet.
        m.d.sync += [steps.eq(after), room.eq(steps != QUEUE_STEPS)]
        return m


class Serialiser(wiring.Component):
    """Sends a step's spikes into the next layer: one per clock for each bank, the TICK with the last ones.

    Neuron n goes to bank n mod E. A step with at most s spikes in a bank takes max(s, 2) clocks, at
    least 3 from TICK to TICK. From a step taken to its first beat: 2 clocks.

    Members: `i` (In stream of steps), `beat` (Out, see beat_layout), `tick` (Out: a TICK is on its
    way), `room` (In: the consumer has room for its spikes).
    """

    def __init__(self, neurons: int, consumer: LayerPlan):
        self._neurons = neurons
        self._consumer = consumer
        super().__init__(
            {
                "i": In(stream.Signature(mask_layout(neurons, 1))),
                "beat": Out(beat_layout(consumer)),
                "tick": Out(1),
                "room": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        banks = self._consumer.events_per_clock
        shares = [len(range(bank, self._neurons, banks)) for bank in range(banks)]
        # The step under way, split into the banks' shares.
        left = [Signal(share, name=f"left_{bank}") for bank, share in enumerate(shares)]
        # Whether no share has more than one spike left is known a clock ahead: found from the shares, it
        # would hold up everything that follows from the TICK. A register for some banks each: one for all
        # would stand far from most of them.
        few = [Signal(name=f"few_{first}") for first in range(0, banks, TOGETHER)]
        # Nothing is known of a step that has just come in: spikes have a long way to here.
        known, kept = Signal(), []
        active, last = Signal(), Signal()
        may_tick = tick_gate(m, self.tick, self.room)
        m.d.comb += [
            self.tick.eq(known & Cat(few).all() & may_tick),
            self.i.ready.eq(~active | self.tick),
        ]
        m.d.sync += known.eq(~self.i.ready)  # so it was, and is, active
        with m.If(self.i.ready):
            m.d.sync += [active.eq(self.i.valid), last.eq(self.i.p.last)]
        for bank, mask in enumerate(left):
            # x & (x - 1) clears the lowest set bit: a carry chain, short in the FPGA's fast logic.
            rest = mask & (mask - 1)[: len(mask)]
            lowest, row = Signal(len(mask), name=f"lowest_{bank}"), self.beat.row[bank]
            m.d.comb += lowest.eq(mask & ~rest)
            with m.If(self.i.ready):
                own = Cat(self.i.p.mask[n] for n in range(bank, self._neurons, banks))
                m.d.sync += mask.eq(Mux(self.i.valid, own, 0))
            with m.Else():
                m.d.sync += mask.eq(rest)
            # More than one of the rest: three and more of what is there.
            kept.append(three(m, mask))
            m.d.sync += row.eq(one_based_index(lowest, len(row)))
        m.d.sync += [
            group.eq(~Cat(kept[first : first + TOGETHER]).any())
            for first, group in zip(range(0, banks, TOGETHER), few, strict=True)
        ]
        m.d.sync += [self.beat.tick.eq(self.tick), self.beat.last.eq(last)]
        return m


def one_based_index(onehot, width):
    """1 + the index of the set bit, 0 if there is none."""
    return Cat(Cat(onehot[i] for i in range(len(onehot)) if (i + 1) >> bit & 1).any() for bit in range(width))
