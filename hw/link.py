"""The serial link: two pins at one side, a core with registers at the other."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .control import Control
from .events import AXIS
from .link_engine import LinkEngine
from .link_plan import LinkPlan
from .link_receiver import LinkReceiver
from .link_sender import LinkSender
from .register_file import PORT
from .uart import Rate, UartReceiver, UartTransmitter


class Link(wiring.Component):
    """UART, frames and requests of numerics/link.py.

    Members: `rx` (In, asynchronous), `tx` (Out); `registers`, `events`, `spikes`, `result`, `alive` and
    where the plan has it `pixels`, as of LinkEngine.
    """

    def __init__(self, plan: LinkPlan, rate: Rate):
        self._plan, self._rate = plan, rate
        super().__init__({
            "rx": In(1, init=1), "tx": Out(1, init=1), "registers": Out(PORT),
            "events": Out(stream.Signature(AXIS)), "spikes": In(stream.Signature(AXIS)),
            "result": In(stream.Signature(0)), "alive": Out(1),
            **({"pixels": Out(stream.Signature(AXIS))} if plan.pixels else {}),
        })  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        m.submodules.uart_rx = uart_rx = UartReceiver(self._rate)
        m.submodules.uart_tx = uart_tx = UartTransmitter(self._rate)
        m.submodules.receiver = receiver = LinkReceiver(self._plan.buffer_bytes)
        m.submodules.engine = engine = LinkEngine(self._plan)
        m.submodules.sender = sender = LinkSender()
        m.d.comb += [
            uart_rx.rx.eq(self.rx),
            receiver.data.eq(uart_rx.data),
            receiver.valid.eq(uart_rx.valid),
            receiver.broken.eq(uart_rx.broken),
            self.tx.eq(uart_tx.tx),
            self.alive.eq(engine.alive),
        ]
        wiring.connect(m, receiver.o, engine.i)
        wiring.connect(m, engine.o, sender.i)
        wiring.connect(m, sender.o, uart_tx.i)
        for name in ("registers", "events", "spikes", "result", *(["pixels"] if self._plan.pixels else [])):
            wiring.connect(m, getattr(engine, name), wiring.flipped(getattr(self, name)))
        return m


def attach(m: Module, link: Link, control: Control) -> None:
    """Connect a link to the registers and streams of a core."""
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
    if hasattr(link, "pixels"):
        m.d.comb += [
            control.s_pixel_tdata.eq(link.pixels.p.data),
            control.s_pixel_tlast.eq(link.pixels.p.last),
            control.s_pixel_tvalid.eq(link.pixels.valid),
            link.pixels.ready.eq(control.s_pixel_tready),
        ]
