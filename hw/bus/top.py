"""The core behind a bus: what an IP package offers beside the stream core."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ...numerics.errors import out_of_range
from ..plan import CorePlan
from .axilite import AxiLiteAdapter
from .control import Control, control_members
from .wishbone import WishboneAdapter

BUSES: dict[str, type[WishboneAdapter] | type[AxiLiteAdapter]] = {
    "wishbone": WishboneAdapter,
    "axilite": AxiLiteAdapter,
}


class BusTop(wiring.Component):
    """A core with its registers on a bus, and its streams.

    `module` names the Verilog module of a core that is emitted beside this one (see SoftCore).

    Members: those of the bus's adapter (hw/bus/wishbone.py, hw/bus/axilite.py), and of Control without its
    port.
    """

    def __init__(self, plan: CorePlan, bus: str, *, module: str | None = None):
        if bus not in BUSES:
            raise out_of_range("bus", bus, "one of " + ", ".join(BUSES))
        self._control = Control(plan, module=module)
        self._adapter = BUSES[bus]()
        self._members = {**BUSES[bus].MEMBERS, **control_members(plan)}
        super().__init__(self._members)

    def elaborate(self, platform):
        m = Module()
        m.submodules.control = control = self._control
        m.submodules.bus = adapter = self._adapter
        wiring.connect(m, adapter.registers, control.registers)
        for name, member in self._members.items():
            own, inner = getattr(self, name), getattr(adapter if name in adapter.MEMBERS else control, name)
            m.d.comb += inner.eq(own) if member.flow == In else own.eq(inner)
        return m
