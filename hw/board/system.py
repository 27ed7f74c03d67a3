"""A core with registers behind a serial link: what a board holds beside its pins and clock."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..bus.control import Control
from ..link.link import Line, Link, attach, connect_pins
from ..link.plan import LinkPlan
from ..plan import CorePlan
from ..weights.flash_loader import FlashLoader
from ..weights.image import weight_image

# The EVENT register is no way for frames here: the link has the stream.
_EVENT_DEPTH = 2


class System(wiring.Component):
    """Link, registers, core; for a core that loads its weights also the loader from a flash memory.

    Members: the pins of the line (UartLine, SpiLine); `flash_cs_n`, `flash_sck`,
    `flash_mosi` (Out), `flash_miso` (In) where weights are loaded, from byte `flash_offset` on; lights:
    `ready` (Out: weights are not being loaded), `active` (Out: changes with each answer).
    """

    def __init__(self, plan: CorePlan, link: LinkPlan, line: Line, flash_offset: int = 0):
        self._plan, self._link, self._line = plan, link, line
        self._image = weight_image(plan)
        self._offset = flash_offset
        flash = {f"flash_{name}": Out(1, init=name == "cs_n") for name in ("cs_n", "sck", "mosi")}
        super().__init__(
            {
                **line.PINS,
                "ready": Out(1, init=1),
                "active": Out(1),
                **({**flash, "flash_miso": In(1)} if self._image else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.control = control = Control(self._plan, event_depth=_EVENT_DEPTH)
        m.submodules.link = link = Link(self._link, self._line)
        attach(m, link, control, pixels=self._plan.pixels)
        connect_pins(m, self, link)
        if self._image:
            m.submodules.loader = loader = FlashLoader(len(self._image), offset=self._offset)
            m.d.comb += [
                control.s_load_tdata.eq(loader.o.p.data),
                control.s_load_tlast.eq(loader.o.p.last),
                control.s_load_tvalid.eq(loader.o.valid),
                loader.o.ready.eq(control.s_load_tready),
                loader.start.eq(control.reload),
                self.ready.eq(~loader.busy),
                *(
                    getattr(self, f"flash_{name}").eq(getattr(loader, name))
                    for name in ("cs_n", "sck", "mosi")
                ),
                loader.miso.eq(self.flash_miso),
            ]

        m.d.comb += self.active.eq(link.alive)
        return m
