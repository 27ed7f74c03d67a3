"""The convolutions of a wide core, from its port to the beats of the first dense layer."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..core.ingress import Ingress
from ..plan import CorePlan, LayerPlan
from ..plan.wide import quiet_address
from .beats import beat_layout, tick_gate
from .conv import WideConv
from .places import PlaceTable, place_layout
from .rows import RowEncoder, RowQueue


class PlaceBeats(wiring.Component):
    """Hands events on to a dense layer as beats of one event; latency 1 clock.

    An event is taken at once, a TICK 3 clocks after the one before and with `room` for its spikes.

    Members: `i` (In stream of events, see place_layout), `beat` (Out, see beat_layout), `tick` (Out: a TICK
    enters the layer), `room` (In).
    """

    def __init__(self, before, consumer: LayerPlan):
        self._consumer = consumer
        self._codes = before
        super().__init__(
            {
                "i": In(stream.Signature(place_layout(before))),
                "beat": Out(beat_layout(consumer)),
                "tick": Out(1),
                "room": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        may_tick = tick_gate(m, self.tick, self.room)
        address = Value.cast(self.i.p)[: self._codes.bits]
        quiet = quiet_address(self._consumer)
        row = Signal.like(self.beat.row[0])
        m.d.comb += [
            self.tick.eq(self.i.valid & self.i.p.tick & may_tick),
            self.i.ready.eq(~self.i.p.tick | may_tick),
            row.eq(address + 1 if quiet is None else address ^ quiet),
        ]
        m.d.sync += [self.beat.tick.eq(self.tick), self.beat.last.eq(self.i.p.last)]
        with m.If(self.i.valid & ~self.i.p.tick):
            m.d.sync += self.beat.row[0].eq(row)
        with m.Else():
            m.d.sync += self.beat.row[0].eq(0)
        return m


def add_maps(m: Module, core, plan: CorePlan) -> PlaceBeats:
    """Adds the convolutions of `plan` to the core; returns what gives beats to the layer behind them."""
    maps = plan.wide_maps
    inputs = plan.network.inputs
    m.submodules.ingress = ingress = Ingress(
        inputs, plan.network.timesteps, check_duplicates=False, target=plan.target, most=plan.most
    )
    m.submodules.places = places = PlaceTable(maps[0].seen, inputs, plan.most)
    m.d.comb += [
        ingress.i.p.data.eq(core.s_axis_tdata),
        ingress.i.p.last.eq(core.s_axis_tlast),
        ingress.i.valid.eq(core.s_axis_tvalid),
        core.s_axis_tready.eq(ingress.i.ready),
        ingress.clear.eq(core.error_clear),
        core.error_flags.eq(ingress.errors),
    ]
    wiring.connect(m, ingress.o, places.i)
    source = places
    for index, layer_plan in enumerate(maps):
        m.submodules[f"layer{index}"] = layer = WideConv(layer_plan)
        m.submodules[f"queue{index}"] = queue = RowQueue(layer_plan)
        m.submodules[f"encoder{index}"] = encoder = RowEncoder(layer_plan)
        wiring.connect(m, source.o, layer.i)
        wiring.connect(m, queue.o, encoder.i)
        m.d.comb += [
            queue.spikes.eq(layer.spikes),
            queue.spikes_valid.eq(layer.spikes_valid),
            queue.begin.eq(layer.begin),
            layer.room.eq(queue.room),
        ]
        source = encoder
    m.submodules.beats = beats = PlaceBeats(maps[-1].leaving, plan.layers[len(maps)])
    wiring.connect(m, source.o, beats.i)
    return beats
