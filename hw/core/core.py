"""The whole network: event stream in, output spikes and one result record per frame out."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from ...numerics.events import TICK
from ..layers.encoder import Encoder
from ..layers.kinds import RELAYS
from ..layers.layer import SpikingLayer
from ..layers.queue import queue_kind
from ..parts.events import event_layout
from ..parts.fork import Fork
from ..plan import CorePlan
from ..readout.counts import CountReadout
from ..readout.emd import Readout
from ..readout.enrolled import SlotReadout
from ..readout.membrane import MembraneReadout
from ..weights.image import ImageCheck, LoadShare
from ..weights.stores import lent_pairs
from .ingress import Ingress
from .paths import Paths
from .signature import core_members
from .split import AddressSplit
from .step_timer import AS_THEY_COME, StepTimer
from .step_timer import PORTS as TIMER_PORTS

READOUTS: dict[str, Any] = {"emd": Readout, "counts": CountReadout, "membrane": MembraneReadout}


class Core(wiring.Component):
    """An event-driven spiking core with AXI-Stream ports.

    Timing: hw/predict/cycles.py computes when every result appears, clock by clock; the frame interval is
    close to the busiest layer's (events + T) * C clocks, or with slots the readout's T * (N + 3) + spikes.
    Both `m_axis` and `m_result` must be taken (tie an unused one's tready high), or the core stops when
    their buffers are full.

    Members, beside `clk` and `rst` (synchronous, active high): `s_axis_*` (events in), `m_axis_*`
    (output spikes in the same format), `m_result_*` (96 bits per frame, see RESULT), `network_hash`
    (first 64 bits of the network file's SHA-256), `error_flags` (see ERRORS) and `error_clear`;
    with SPRAM weights also `s_load_*` (words of hw/weights/image.py), `weights_loaded` (frames are accepted
    while it is high), `weights_refused` (the last image was foreign, bit 0, or damaged, bit 1) and
    `weights_keep` (while high, a reset leaves loaded weights in place). With slots also `s_command_*` (40
    bits: the value of a register in the lowest 32, above it which one: 0 COMMAND, 1 REFERENCE_AT, 2 STAGE
    of hw/bus/registers.py; taken between frames), `command_status` (slots.STATUS) and `command_errors`
    (sticky, slots.ERRORS, cleared like `error_flags`). With a step timer also `timer_*` (step_timer.PORTS).
    """

    def __init__(self, plan: CorePlan):
        self._plan = plan
        super().__init__(core_members(plan))

    def elaborate(self, platform):
        m = Module()
        plan = self._plan
        m.submodules.ingress = ingress = Ingress(
            plan.network.inputs,
            plan.network.timesteps,
            check_duplicates=plan.check_duplicates,
            target=plan.target,
            most=plan.most,
        )
        m.d.comb += [
            ingress.clear.eq(self.error_clear),
            self.error_flags.eq(ingress.errors),
            self.network_hash.eq(Const(plan.network_hash, 64)),
        ]
        open_gate: Value = Const(1)
        events = ingress.o
        if split := plan.split:
            m.submodules.split = splitter = AddressSplit(split, plan.most)
            wiring.connect(m, events, splitter.i)
            events = splitter.o
        paths = Paths(m, plan, events)
        shares: list[data.View] = []
        made: list[SpikingLayer] = []
        # The ports by which other layers read a layer's memory of weights, those that are free.
        ports = [lent_pairs(layer_plan) for layer_plan in plan.layers]
        for index, layer_plan in enumerate(plan.layers):
            for number, relay in enumerate(plan.before(index)):
                m.submodules[f"relay{index}_{number}"] = stage = RELAYS[relay.layer.kind](relay)
                wiring.connect(m, paths.entry(), stage.i)
                paths.leave(stage.o)
            m.submodules[f"layer{index}"] = layer = SpikingLayer(layer_plan)
            kind, shape = queue_kind(layer_plan), (layer_plan.queued_bits, layer_plan.words)
            attributes = kind.attributes(plan.target, *shape, plan.short_of_blocks)
            m.submodules[f"queue{index}"] = queue = kind(*shape, attributes, every=layer_plan.sums)
            if not layer_plan.sums:
                m.submodules[f"encoder{index}"] = encoder = Encoder(layer_plan)
            wiring.connect(m, paths.entry(), layer.i)
            if not layer_plan.sums:
                wiring.connect(m, queue.o, encoder.i)
            m.d.comb += [
                queue.spikes.mask.eq(layer.lacks if layer_plan.sums else layer.spikes.mask),
                *(queue.spikes[name].eq(layer.spikes[name]) for name in ("word", "end", "last")),
                queue.spikes_valid.eq(layer.spikes_valid),
                queue.begin.eq(layer.sweep),
                layer.room.eq(queue.room),
            ]
            made.append(layer)
            if layer_plan.lender is not None:
                lender, (address, word) = made[layer_plan.lender], ports[layer_plan.lender].pop(0)
                m.d.comb += [
                    getattr(lender, address).eq(layer.weight_address),
                    layer.weight_data.eq(getattr(lender, word)),
                ]
            if layer_plan.memory == "spram":
                if layer_plan is plan.loaded[0]:
                    open_gate, shares = self._add_image(m, layer)
                else:
                    m.d.comb += layer.load.eq(shares.pop(0))
            if layer_plan.sums:
                events = queue.o
            else:
                paths.leave(encoder.o)
                events = encoder.o

        readout: Any = (SlotReadout if plan.slots else READOUTS[plan.network.readout])(plan)
        m.submodules.readout = readout
        if plan.layers[-1].sums:
            wiring.connect(m, events, readout.i)
            spikes = readout.events
        else:
            # The output spikes go to the readout and to the outside.
            m.submodules.fork = fork = Fork(event_layout(plan.network.outputs))
            wiring.connect(m, events, fork.i)
            wiring.connect(m, fork.o[0], readout.i)
            spikes = fork.o[1]
        if plan.slots:
            m.d.comb += [
                readout.command.p.eq(self.s_command_tdata),
                readout.command.valid.eq(self.s_command_tvalid),
                self.s_command_tready.eq(readout.command.ready),
                readout.damaged.eq(ingress.errors.any()),
                readout.clear.eq(self.error_clear),
                self.command_status.eq(readout.status),
                self.command_errors.eq(readout.errors),
            ]

        # Frames wait outside until the weights are there.
        entry = self._add_timer(m, ingress, open_gate) if plan.step_timer else ingress.i
        m.d.comb += [
            entry.p.data.eq(self.s_axis_tdata),
            entry.p.last.eq(self.s_axis_tlast),
            entry.valid.eq(self.s_axis_tvalid & open_gate),
            self.s_axis_tready.eq(entry.ready & open_gate),
            self.m_axis_tdata.eq(Mux(spikes.p.tick, TICK, spikes.p.address)),
            self.m_axis_tlast.eq(spikes.p.last),
            self.m_axis_tvalid.eq(spikes.valid),
            spikes.ready.eq(self.m_axis_tready),
            self.m_result_tdata.eq(readout.o.p),
            self.m_result_tlast.eq(1),
            self.m_result_tvalid.eq(readout.o.valid),
            readout.o.ready.eq(self.m_result_tready),
        ]
        return m

    def _add_timer(self, m: Module, ingress: Ingress, open_gate: Value):
        """The step timer ahead of the `ingress`; returns where words enter it."""
        m.submodules.timer = timer = StepTimer(self._plan.network.timesteps)
        wiring.connect(m, timer.o, ingress.i)
        # A register each way, where there is none in the timer: no path leads from one port to another.
        for name, (member, _) in TIMER_PORTS.items():
            own, inner = getattr(self, name), getattr(timer, name)
            if member.flow == In:
                m.d.sync += inner.eq(own)
            elif name in AS_THEY_COME:
                m.d.sync += own.eq(inner)
            else:
                m.d.comb += own.eq(inner)
        # Time begins when the weights are there.
        m.d.sync += timer.timer_run.eq(self.timer_run & open_gate)
        return timer.i

    def _add_image(self, m: Module, first: SpikingLayer) -> tuple[Value, list[data.View]]:
        """What checks the image of weights, with the `first` layer that it is for.

        Returns whether the weights are there, and the parts of the image for the other layers.
        """
        loaded = self._plan.loaded
        m.submodules.image = image = ImageCheck(*loaded)
        shares = [image.o]
        if len(loaded) > 1:
            m.submodules.share = share = LoadShare(*loaded)
            m.d.comb += share.i.eq(image.o)
            shares = share.o
        m.d.comb += [
            image.i.p.data.eq(self.s_load_tdata),
            image.i.p.last.eq(self.s_load_tlast),
            image.i.valid.eq(self.s_load_tvalid),
            self.s_load_tready.eq(image.i.ready),
            image.network_hash.eq(self.network_hash),
            image.keep.eq(self.weights_keep),
            first.load.eq(shares[0]),
            self.weights_loaded.eq(image.loaded),
            self.weights_refused.eq(Cat(image.foreign, image.damaged)),
        ]
        return image.loaded, shares[1:]
