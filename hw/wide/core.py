"""The wide core: every layer fully parallel, several events per clock, for latency on a larger FPGA."""

from amaranth.hdl import Cat, Const, Module, Mux
from amaranth.lib import wiring

from ...numerics.events import TICK
from ..core.signature import core_members
from ..layers.encoder import Encoder
from ..plan import CorePlan
from .encoder import Serialiser, StepQueue
from .front import add_maps
from .ingress import WideIngress
from .layer import WideLayer
from .readout import WideReadout


class WideCore(wiring.Component):
    """A spiking core that takes E events per clock and gives its result about 30 clocks after the last one.

    Timing: hw/predict/wide_cycles.py computes when every result appears, clock by clock. A step takes
    max(events in the fullest bank, 3) clocks at the input; layers and readout follow in a pipeline.
    Convolutions come first (hw/wide/conv.py), where a step of E events takes E + R + 3 clocks.

    Members as of Core, but for E > 1: `s_axis_tdata` holds E event words, `s_axis_tkeep` (two bits per
    word) says which are used; see WideIngress for where a word may stand.
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        super().__init__(core_members(plan))

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        m.d.comb += self.network_hash.eq(Const(int(plan.network.content_hash[:16], 16), 64))
        source = add_maps(m, self, plan) if plan.wide_maps else self._ingress(m)
        for index, layer_plan in enumerate(plan.layers):
            if index < len(plan.wide_maps):
                continue
            m.submodules[f"layer{index}"] = layer = WideLayer(layer_plan)
            m.submodules[f"queue{index}"] = queue = StepQueue(layer_plan.neurons)
            m.d.comb += layer.beat.eq(source.beat)
            queues = [queue]
            if layer_plan is plan.layers[-1]:
                m.submodules.readout = readout = WideReadout(plan)
                m.submodules.readout_queue = second = StepQueue(layer_plan.neurons)
                m.submodules.encoder = encoder = Encoder(layer_plan, eager=True)
                wiring.connect(m, second.o, readout.i)
                wiring.connect(m, queue.o, encoder.i)
                queues.append(second)
            for each in queues:
                m.d.comb += [
                    each.spikes.eq(layer.spikes),
                    each.spikes_valid.eq(layer.spikes_valid),
                    each.begin.eq(source.tick),
                ]
            m.d.comb += source.room.eq(Cat(each.room for each in queues).all())
            if layer_plan is not plan.layers[-1]:
                m.submodules[f"serialiser{index}"] = source = Serialiser(
                    layer_plan.neurons, plan.layers[index + 1]
                )
                wiring.connect(m, queue.o, source.i)

        events = encoder.o
        m.d.comb += [
            self.m_axis_tdata.eq(Mux(events.p.tick, TICK, events.p.address)),
            self.m_axis_tlast.eq(events.p.last),
            self.m_axis_tvalid.eq(events.valid),
            events.ready.eq(self.m_axis_tready),
            self.m_result_tdata.eq(readout.o.p),
            self.m_result_tlast.eq(1),
            self.m_result_tvalid.eq(readout.o.valid),
            readout.o.ready.eq(self.m_result_tready),
        ]
        return m

    def _ingress(self, m: Module) -> WideIngress:
        plan = self._plan
        m.submodules.ingress = ingress = WideIngress(plan)
        banks = plan.layers[0].events_per_clock
        keep = Cat(self.s_axis_tkeep[2 * b] for b in range(banks)) if banks > 1 else 1
        m.d.comb += [
            ingress.i.p.words.eq(self.s_axis_tdata),
            ingress.i.p.keep.eq(keep),
            ingress.i.p.last.eq(self.s_axis_tlast),
            ingress.i.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(ingress.i.ready),
            ingress.clear.eq(self.error_clear),
            self.error_flags.eq(ingress.errors),
        ]
        return ingress
