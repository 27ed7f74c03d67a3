"""A core that its surroundings can reset by themselves."""

from amaranth.hdl import ClockSignal, Instance, Module, ResetInserter, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ..core.signature import core_members
from ..cores import make_core
from ..plan import CorePlan


class SoftCore(wiring.Component):
    """The core of a plan with one more input, `soft_reset`, which resets it like `rst`.

    With `module`, the name of a Verilog module, that module is instantiated in place of the core
    itself, so that a wrapper's Verilog does not repeat the core's.

    Members: those of the core, and `soft_reset` (In).
    """

    def __init__(self, plan: CorePlan, module: str | None = None):
        self._plan = plan
        self._module = module
        super().__init__({**core_members(plan), "soft_reset": In(1)})

    def elaborate(self, platform):
        m = Module()
        members = core_members(self._plan)
        if self._module:
            ports = {
                f"{'i' if member.flow == In else 'o'}_{name}": getattr(self, name)
                for name, member in members.items()
            }
            m.submodules.core = Instance(
                self._module, i_clk=ClockSignal(), i_rst=ResetSignal() | self.soft_reset, **ports
            )
            return m
        core = make_core(self._plan)
        m.submodules.core = ResetInserter(self.soft_reset)(core)
        for name, member in members.items():
            own, inner = getattr(self, name), getattr(core, name)
            m.d.comb += inner.eq(own) if member.flow == In else own.eq(inner)
        return m
