"""A layer of any kind: the walker over its synapses and the neurons that it feeds."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..parts.events import event_layout, mask_layout
from ..plan import LayerPlan
from ..weights.image import load_layout
from ..weights.stores import borrowed, lent, lent_pairs
from .kinds import WALKERS
from .neurons import Neurons


class SpikingLayer(wiring.Component):
    """Events in, words of spikes out. Timing: see the kind's walker (throughput) and Neurons (latency).

    From an event or TICK taken at `i` with the layer idle, 8 clocks to its first state word written
    back, or to the first word of spikes at `spikes`.

    Members: `i`, `room`, `sweep`, `load` and those of memories that layers share as in Walker; `spikes`,
    `spikes_valid`, `lacks` as in Neurons.
    """

    def __init__(self, plan: LayerPlan):
        self._plan = plan
        members = {
            "i": In(stream.Signature(event_layout(plan.inputs, plan.most))),
            "room": In(1),
            "sweep": Out(1),
            "spikes": Out(mask_layout(plan.lanes, plan.words)),
            "spikes_valid": Out(1),
        }
        if plan.sums:
            members["lacks"] = Out(plan.queued_bits)
        if plan.memory == "spram":
            members["load"] = In(load_layout(plan))
        super().__init__(members | lent(plan) | borrowed(plan))

    def elaborate(self, platform):
        m = Module()
        m.submodules.synapses = synapses = WALKERS[self._plan.layer.kind](self._plan)
        m.submodules.neurons = neurons = Neurons(self._plan)
        wiring.connect(m, wiring.flipped(self.i), synapses.i)
        m.d.comb += [
            synapses.room.eq(self.room),
            self.sweep.eq(synapses.sweep),
            neurons.pair.eq(synapses.pair),
            neurons.pair_valid.eq(synapses.pair_valid),
            neurons.weights.eq(synapses.weights),
            self.spikes.eq(neurons.spikes),
            self.spikes_valid.eq(neurons.spikes_valid),
        ]
        if self._plan.sweeps_reached:
            m.d.comb += [synapses.fresh.eq(neurons.fresh), synapses.fresh_word.eq(neurons.fresh_word)]
        if self._plan.sums:
            m.d.comb += self.lacks.eq(neurons.lacks)
        if self._plan.memory == "spram":
            m.d.comb += synapses.load.eq(self.load)
        if self._plan.memory == "shared":
            m.d.comb += [
                self.weight_address.eq(synapses.weight_address),
                synapses.weight_data.eq(self.weight_data),
            ]
        for address, data in lent_pairs(self._plan):
            m.d.comb += [
                getattr(synapses, address).eq(getattr(self, address)),
                getattr(self, data).eq(getattr(synapses, data)),
            ]
        return m
