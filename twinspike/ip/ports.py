"""The ports of a package's tops, in the order of the data sheet."""

from collections.abc import Mapping, Sequence

from amaranth.hdl import Shape
from amaranth.lib.wiring import In, Member

from twinspike.hw.bus.control import control_members
from twinspike.hw.bus.top import BUSES
from twinspike.hw.core.signature import core_members
from twinspike.hw.emit.names import Names
from twinspike.hw.plan import CorePlan

Port = tuple[str, str, int]  # name, "in" or "out", bits


def top_ports(plan: CorePlan, buses: Sequence[str], names: Names) -> dict[str, list[Port]]:
    """The ports of every top by its module's name: clock and reset, then as its signature has them."""
    tops = {names.core: _listed(core_members(plan))}
    for bus in buses:
        tops[names.bus(bus)] = _listed({**BUSES[bus].MEMBERS, **control_members(plan)})
    return tops


def _listed(members: Mapping[str, Member]) -> list[Port]:
    own = [
        (name, "in" if member.flow == In else "out", Shape.cast(member.shape).width)
        for name, member in members.items()
    ]
    return [("clk", "in", 1), ("rst", "in", 1), *own]
