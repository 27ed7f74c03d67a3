"""A board's top: oscillator, PLL and reset, the serial pins, lights, and the system behind them."""

from collections.abc import Callable
from typing import Any

from amaranth.build import Subsignal
from amaranth.hdl import C, ClockDomain, ClockSignal, Elaboratable, Instance, Module, Signal
from amaranth.lib import io
from amaranth.lib.cdc import ResetSynchronizer

from ...numerics.errors import TwinspikeError
from ..link.plan import link_plan
from ..link.spi import SpiLine
from ..link.uart import Rate, UartLine
from ..plan import CorePlan
from .description import Board
from .pll import Ecp5Pll, GowinPll, Ice40Pll, ecp5_pll, gowin_pll, ice40_pll
from .system import System

# iCE40's block RAMs give no sound words in the first microseconds after configuration.
_RESET_CLOCKS = 1 << 10


def check_line(board: Board, line: str) -> None:
    """Raise TwinspikeError if a board has no pins for the line, `uart` or `spi`."""
    if line == "spi" and not board.spi:
        raise TwinspikeError(f"{board.title} has no pins for a link by SPI: leave out --link spi")


class BoardTop(Elaboratable):
    """Everything on a board, for its amaranth-boards platform.

    One clock domain, of the frequency `clock_mhz`; it is held in reset until the PLL has locked and
    1,024 clocks have passed.
    """

    def __init__(self, board: Board, plan: CorePlan, baud: int, line: str = "uart"):
        check_line(board, line)
        self._board, self._plan = board, plan
        given = board.make_platform().lookup(board.clock).clock.frequency / 1e6
        make: dict[str, Callable[[float, float], Ice40Pll | Ecp5Pll | GowinPll]] = {
            "ice40": ice40_pll,
            "ecp5": ecp5_pll,
            "gowin": gowin_pll,
        }
        self.pll = make[board.architecture](given, board.clock_mhz)
        self._input_mhz = given
        self._line = SpiLine() if line == "spi" else UartLine(Rate(self.pll.frequency_mhz * 1e6, baud))
        self.link = link_plan(plan, buffer_bytes=board.buffer_bytes, clock_mhz=round(self.pll.frequency_mhz))

    def elaborate(self, platform):
        m = Module()
        board = self._board
        sync = ClockDomain("sync")
        start = ClockDomain("start", reset_less=True)
        m.domains += [sync, start]
        locked = Signal()
        multiplier = {"ice40": self._ice40, "ecp5": self._ecp5, "gowin": self._gowin}[board.architecture]
        multiplier(m, platform, sync.clk, locked)
        m.d.comb += ClockSignal("start").eq(sync.clk)
        count, running = Signal(range(_RESET_CLOCKS)), Signal()
        m.d.start += count.eq(count + ~running)
        with m.If(count == _RESET_CLOCKS - 1):
            m.d.start += running.eq(1)
        ready = Signal()
        m.d.comb += ready.eq(running & locked)
        m.submodules.reset = ResetSynchronizer(~ready)

        m.submodules.system = system = System(self._plan, self.link, self._line, board.flash_offset)
        (self._uart if isinstance(self._line, UartLine) else self._spi)(m, platform, system)
        if self._plan.loads:
            self._flash(m, platform, system)
        lights: dict[tuple[str, int], Any] = {}
        for output, name, number, part in board.lights:
            if (name, number) not in lights:
                directions = dict.fromkeys("rgb", "-") if part else "-"
                lights[name, number] = platform.request(name, number, dir=directions)
            pin = lights[name, number]
            m.submodules[f"light_{output}"] = lamp = io.Buffer("o", getattr(pin, part) if part else pin)
            m.d.comb += lamp.o.eq(getattr(system, output))
        return m

    def _uart(self, m, platform, system):
        # Some boards have handshake lines beside the two; an attribute of the whole has no name.
        lines = [line for line in platform.lookup("uart", 0).ios if isinstance(line, Subsignal)]
        serial = platform.request("uart", 0, dir={line.name: "-" for line in lines})
        m.submodules.rx = rx = io.Buffer("i", serial.rx)
        m.submodules.tx = tx = io.Buffer("o", serial.tx)
        m.d.comb += [system.rx.eq(rx.i), tx.o.eq(system.tx)]

    def _spi(self, m, platform, system):
        pins = platform.request("spi", 0, dir=dict.fromkeys(("cs", "clk", "copi", "cipo"), "-"))
        m.submodules.cs = cs = io.Buffer("i", pins.cs)
        m.submodules.sck = sck = io.Buffer("i", pins.clk)
        m.submodules.copi = copi = io.Buffer("i", pins.copi)
        m.submodules.cipo = cipo = io.Buffer("o", pins.cipo)
        # The resource has the chip select inverted.
        m.d.comb += [
            system.cs_n.eq(~cs.i),
            system.sck.eq(sck.i),
            system.copi.eq(copi.i),
            cipo.o.eq(system.cipo),
        ]

    def _flash(self, m, platform, system):
        # The data pins alone: the other two of a flash are pulled up, and serve a clock on the UPduino.
        pins = platform.request("spi_flash_2x", 0, dir=dict.fromkeys(("cs", "clk", "dq"), "-"))
        # The board's table has the chip select inverted.
        for name, port, value in (
            ("cs", pins.cs, ~system.flash_cs_n),
            ("clk", pins.clk, system.flash_sck),
            ("copi", pins.dq[0], system.flash_mosi),
        ):
            m.submodules[f"flash_{name}"] = out = io.Buffer("o", port)
            m.d.comb += out.o.eq(value)
        m.submodules.flash_cipo = into = io.Buffer("i", pins.dq[1])
        m.d.comb += system.flash_miso.eq(into.i)

    def _ice40(self, m, platform, clock, locked):
        pin = platform.request(self._board.clock, dir="-")
        pll = self.pll
        assert isinstance(pll, Ice40Pll)
        ports = {
            "p_FEEDBACK_PATH": "SIMPLE",
            "p_DIVR": C(pll.divr, 4),
            "p_DIVF": C(pll.divf, 7),
            "p_DIVQ": C(pll.divq, 3),
            "p_FILTER_RANGE": C(pll.filter_range, 3),
            "i_RESETB": C(1),
            "i_BYPASS": C(0),
            "o_PLLOUTGLOBAL": clock,
            "o_LOCK": locked,
        }
        if self._board.pll_pad:
            m.submodules.pll = Instance("SB_PLL40_PAD", io_PACKAGEPIN=pin.io, **ports)
        else:
            m.submodules.oscillator = oscillator = io.Buffer("i", pin)
            m.submodules.pll = Instance("SB_PLL40_CORE", i_REFERENCECLK=oscillator.i, **ports)

    def _ecp5(self, m, platform, clock, locked):
        m.submodules.oscillator = oscillator = io.Buffer("i", platform.request(self._board.clock, dir="-"))
        pll = self.pll
        assert isinstance(pll, Ecp5Pll)
        m.submodules.pll = Instance(
            "EHXPLLL",
            p_PLLRST_ENA="DISABLED",
            p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED",
            p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA",
            p_CLKOP_ENABLE="ENABLED",
            p_CLKI_DIV=pll.i_div,
            p_CLKFB_DIV=pll.fb_div,
            p_CLKOP_DIV=pll.op_div,
            p_CLKOP_CPHASE=pll.op_div - 1,
            p_CLKOP_FPHASE=0,
            p_FEEDBK_PATH="CLKOP",
            i_CLKI=oscillator.i,
            i_CLKFB=clock,
            i_RST=C(0),
            i_STDBY=C(0),
            i_PHASESEL0=C(0),
            i_PHASESEL1=C(0),
            i_PHASEDIR=C(1),
            i_PHASESTEP=C(1),
            i_PHASELOADREG=C(1),
            i_PLLWAKESYNC=C(0),
            i_ENCLKOP=C(0),
            o_CLKOP=clock,
            o_LOCK=locked,
        )

    def _gowin(self, m, platform, clock, locked):
        m.submodules.oscillator = oscillator = io.Buffer("i", platform.request(self._board.clock, dir="-"))
        pll = self.pll
        assert isinstance(pll, GowinPll)
        unused = {"FBDSEL": 6, "IDSEL": 6, "ODSEL": 6, "DUTYDA": 4, "PSDA": 4, "FDLY": 4}
        m.submodules.pll = Instance(
            "rPLL",
            p_FCLKIN=f"{self._input_mhz:g}",
            p_DEVICE=platform.family,
            p_IDIV_SEL=pll.idiv_sel,
            p_FBDIV_SEL=pll.fbdiv_sel,
            p_ODIV_SEL=pll.odiv_sel,
            p_CLKFB_SEL="internal",
            **{f"i_{name}": C(0, width) for name, width in unused.items()},
            i_CLKIN=oscillator.i,
            i_CLKFB=C(0),
            i_RESET=C(0),
            i_RESET_P=C(0),
            o_CLKOUT=clock,
            o_LOCK=locked,
        )
