"""A core with registers behind a serial link: what a board holds beside its pins and clock."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .control import Control
from .link import Link, attach
from .link_plan import LinkPlan
from .plan import CorePlan
from .uart import Rate

# Clocks that a light stays on after what it shows, as a power of two: about 50 ms on every board.
_GLOW_BITS = 21


class System(wiring.Component):
    """Link, registers, core.

    Members: `rx` (In, asynchronous) and `tx` (Out) of the serial line; lights: `ready` (Out: the weights
    are in place), `active` (Out: answers are being given), `fault` (Out: an error flag is set).
    """

    def __init__(self, plan: CorePlan, link: LinkPlan, rate: Rate):
        self._plan, self._link, self._rate = plan, link, rate
        super().__init__({
            "rx": In(1, init=1), "tx": Out(1, init=1), "ready": Out(1), "active": Out(1), "fault": Out(1),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        m.submodules.control = control = Control(self._plan)
        m.submodules.link = link = Link(self._link, self._rate)
        attach(m, link, control)
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx)]

        glow, before = Signal(_GLOW_BITS), Signal()
        m.d.sync += before.eq(link.alive)
        with m.If(link.alive != before):
            m.d.sync += glow.eq(-1)
        with m.Elif(self.active):
            m.d.sync += glow.eq(glow - 1)
        m.d.comb += self.active.eq(glow.any())
        return m
