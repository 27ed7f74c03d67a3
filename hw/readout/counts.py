"""Count readout: the output neuron that spikes most in a frame, for networks without references."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...numerics.emd import NO_RUNNER_UP
from ..parts.events import event_layout
from ..plan import CorePlan
from .neuron_counts import neuron_counts
from .result import RESULT


class CountReadout(wiring.Component):
    """Counts each output neuron's spikes of a frame: most spikes win, the lower index a tie.

    A neuron's distance is T minus its count: the spikes it lacks to one in every step. The leader
    and the second best are kept up with every spike, since a count grows by one at a time. Takes an
    event per clock; from a frame's last TICK taken to `o.valid`: 2 clocks. The next frame's events are
    taken max(N + 1, 3) clocks after that TICK, once N counts are cleared and the result is gone.

    Members: `i` (In stream of the last layer's events), `o` (Out stream of RESULT: the winner's
    index and distance, the second best's distance, all ones if there is one output neuron, and
    distance <= verify threshold).
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        super().__init__(
            {
                "i": In(stream.Signature(event_layout(plan.layers[-1].neurons))),
                "o": Out(stream.Signature(RESULT)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        plan, neurons = self._plan, self._plan.layers[-1].neurons
        m.submodules.counts = counts = neuron_counts(plan)
        count_read, count_write = counts.read_port(), counts.write_port()

        # Between frames every count is cleared, and the result leaves.
        clearing, busy, ending = Signal(init=1), Signal(), Signal()
        cleared = Signal(range(max(neurons, 2)))
        taken, spike = Signal(), Signal()
        address = Signal.like(self.i.p.address)
        m.d.comb += [
            self.i.ready.eq(~clearing & ~busy),
            taken.eq(self.i.valid & self.i.ready),
            count_read.addr.eq(self.i.p.address),
            count_write.addr.eq(Mux(clearing, cleared, address)),
            count_write.data.eq(Mux(clearing, 0, count_read.data + 1)),
            count_write.en.eq(clearing | spike),
        ]
        m.d.sync += [
            spike.eq(taken & ~self.i.p.tick),
            address.eq(self.i.p.address),
            ending.eq(taken & self.i.p.tick & self.i.p.last),
        ]
        with m.If(clearing):
            m.d.sync += cleared.eq(cleared + 1)
            with m.If(cleared == neurons - 1):
                m.d.sync += [clearing.eq(0), cleared.eq(0)]
        with m.If(taken & self.i.p.tick & self.i.p.last):
            m.d.sync += [clearing.eq(1), busy.eq(1)]

        # The leader: a count that reaches the best ties with it, one more overtakes it.
        grown, candidate, count = Signal(), Signal.like(address), Signal(plan.count_bits)
        best, second = (Signal.like(count, name=name) for name in ("best", "second"))
        winner = Signal.like(address)
        m.d.sync += [grown.eq(spike), candidate.eq(address), count.eq(count_read.data + 1)]
        with m.If(grown):
            with m.If(count > best):
                m.d.sync += [best.eq(count), winner.eq(candidate)]
                # The leader itself growing overtakes nobody.
                with m.If(candidate != winner):
                    m.d.sync += second.eq(best)
            with m.Else():
                with m.If(count > second):
                    m.d.sync += second.eq(count)
                with m.If((count == best) & (candidate < winner)):
                    m.d.sync += winner.eq(candidate)

        with m.If(ending):
            m.d.sync += self.o.valid.eq(1)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [self.o.valid.eq(0), busy.eq(0), best.eq(0), second.eq(0), winner.eq(0)]
        timesteps = plan.network.timesteps
        m.d.comb += [
            self.o.p.label.eq(winner),
            self.o.p.distance.eq(timesteps - best),
            self.o.p.runner_up.eq(timesteps - second if neurons > 1 else Const(NO_RUNNER_UP, 32)),
            self.o.p.same.eq(timesteps - best <= plan.network.verify_threshold),
        ]
        return m
