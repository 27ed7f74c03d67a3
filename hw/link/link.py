"""The serial link: the pins of a line at one side, a core with registers at the other."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..bus.control import Control
from ..bus.register_file import PORT
from ..parts.events import AXIS
from .engine import LinkEngine
from .plan import LinkPlan
from .receiver import LinkReceiver
from .sender import LinkSender
from .spi import SpiLine
from .uart import UartLine

Line = UartLine | SpiLine


class Link(wiring.Component):
    """Line, frames and requests of numerics/link.py.

    Members: the pins of `line`; `registers`, `events`, `spikes`, `result`, `alive` and
    where the plan has it `pixels`, as of LinkEngine.
    """

    def __init__(self, plan: LinkPlan, line: Line):
        self._plan, self._line = plan, line
        self.PINS = line.PINS
        super().__init__(
            {
                **line.PINS,
                "registers": Out(PORT),
                "events": Out(stream.Signature(AXIS)),
                "spikes": In(stream.Signature(AXIS)),
                "result": In(stream.Signature(0)),
                "alive": Out(1),
                **({"pixels": Out(stream.Signature(AXIS))} if plan.pixels else {}),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.line = line = self._line
        m.submodules.receiver = receiver = LinkReceiver(self._plan.buffer_bytes)
        m.submodules.engine = engine = LinkEngine(self._plan)
        m.submodules.sender = sender = LinkSender()
        m.d.comb += [
            receiver.data.eq(line.data),
            receiver.valid.eq(line.valid),
            receiver.broken.eq(line.broken),
            self.alive.eq(engine.alive),
        ]
        wiring.connect(m, receiver.o, engine.i)
        wiring.connect(m, engine.o, sender.i)
        wiring.connect(m, sender.o, line.i)
        connect_pins(m, self, line)
        for name in ("registers", "events", "spikes", "result", *(["pixels"] if self._plan.pixels else [])):
            wiring.connect(m, getattr(engine, name), wiring.flipped(getattr(self, name)))
        return m


def connect_pins(m: Module, outside, inside) -> None:
    """Connect a line's pins with those of the same names around it."""
    for name, member in inside.PINS.items():
        to, out_of = (inside, outside) if member.flow == In else (outside, inside)
        m.d.comb += getattr(to, name).eq(getattr(out_of, name))


def attach(m: Module, link: Link, control: Control, *, pixels: bool) -> None:
    """Connect a link to the registers and streams of a core; with `pixels` to its encoder too."""
    wiring.connect(m, link.registers, control.registers)
    m.d.comb += [
        control.s_axis_tdata.eq(link.events.p.data),
        control.s_axis_tlast.eq(link.events.p.last),
        control.s_axis_tvalid.eq(link.events.valid),
        link.events.ready.eq(control.s_axis_tready),
        link.spikes.p.data.eq(control.m_axis_tdata),
        link.spikes.p.last.eq(control.m_axis_tlast),
        link.spikes.valid.eq(control.m_axis_tvalid),
        control.m_axis_tready.eq(link.spikes.ready),
        link.result.valid.eq(control.m_result_tvalid),
        control.m_result_tready.eq(link.result.ready),
    ]
    if pixels:
        m.d.comb += [
            control.s_pixel_tdata.eq(link.pixels.p.data),
            control.s_pixel_tlast.eq(link.pixels.p.last),
            control.s_pixel_tvalid.eq(link.pixels.valid),
            link.pixels.ready.eq(control.s_pixel_tready),
        ]
