"""The boards that bitstreams are made for: what amaranth-boards does not know about them."""

import dataclasses
import importlib
from typing import Any

from amaranth.build import Attrs
from amaranth_boards.resources import SPIResource, UARTResource

from ...numerics.errors import out_of_range
from ..devices import Device, device


@dataclasses.dataclass(frozen=True)
class Board:
    """A board, and how a core is put on it.

    `platform` names the class of amaranth-boards as module.Class; `target` is the device in DEVICES and
    `part` its package and speed for nextpnr; `clock` is the resource of the oscillator, whose frequency the
    PLL turns into `clock_mhz`; `lights` are an output of hw/board/system.py and a resource, its number and
    part of it each; `free_slots` are slots beside the network's references; `uart` are pins (RX, TX) where
    the board has no UART of its own; `spi` are free ones (CS, SCK, COPI, CIPO) for a link by SPI, and `io`
    attributes of both; weights lie in the flash from byte `flash_offset` on; `loader` are openFPGALoader's
    arguments. `line` says where the serial port is.
    """

    name: str
    title: str
    platform: str
    target: str
    part: tuple[str, ...]
    clock: str
    clock_mhz: float
    lights: tuple[tuple[str, str, int, str], ...]
    loader: tuple[str, ...]
    line: str
    uart: tuple[str, str] | None = None
    spi: tuple[str, str, str, str] | None = None
    io: tuple[tuple[str, str], ...] = ()
    pll_pad: bool = False
    lanes: tuple[int, ...] = ()
    buffer_bytes: int = 1024
    free_slots: int = 0
    flash_offset: int = 0

    @property
    def device(self) -> Device:
        """The device in this board's package; unlike for stand-alone timing every pin is to be placed."""
        return dataclasses.replace(
            device(self.target),
            nextpnr=(*self.part, *_PLACER[self.architecture]),
            frequency_mhz=self.clock_mhz,
        )

    @property
    def architecture(self) -> str:
        return device(self.target).architecture

    def make_platform(self) -> Any:
        """amaranth-boards' platform, with the serial line where it is not the board's own."""
        module, name = self.platform.split(".")
        platform = getattr(importlib.import_module(f"amaranth_boards.{module}"), name)()
        if self.uart:
            rx, tx = self.uart
            platform.add_resources([UARTResource(0, rx=rx, tx=tx, attrs=Attrs(**dict(self.io)))])
        if self.spi:
            cs, sck, copi, cipo = self.spi
            pins = SPIResource(
                0, cs_n=cs, clk=sck, copi=copi, cipo=cipo, role="peripheral", attrs=Attrs(**dict(self.io))
            )
            platform.add_resources([pins])
        return platform


_PLACER: dict[str, tuple[str, ...]] = {"ice40": (), "ecp5": ("--placer", "static")}
_UP5K = ("--up5k", "--package", "sg48")

BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board(
            name="icebreaker",
            title="iCEBreaker",
            platform="icebreaker.ICEBreakerPlatform",
            target="up5k",
            part=_UP5K,
            clock="clk12",
            clock_mhz=36.0,
            pll_pad=True,
            lights=(("ready", "led_g", 0, ""), ("active", "led_r", 0, "")),
            loader=("-b", "icebreaker"),
            line="the second serial port of its USB socket",
            spi=("4", "45", "2", "47"),
            io=(("IO_STANDARD", "SB_LVCMOS"),),
            lanes=(4, 2),
            flash_offset=0x10_0000,
        ),
        Board(
            name="upduino",
            title="UPduino 3.x",
            platform="upduino_v3.UpduinoV3Platform",
            target="up5k",
            part=_UP5K,
            clock="clk12",
            clock_mhz=36.0,
            lights=(),
            uart=("28", "38"),
            io=(("IO_STANDARD", "SB_LVCMOS"),),
            loader=("-b", "upduino3"),
            line="a 3.3 V USB serial adapter: its TX to pin 28, its RX to pin 38, and GND",
            lanes=(4, 2),
            flash_offset=0x10_0000,
        ),
        Board(
            name="ulx3s",
            title="ULX3S-85F",
            platform="ulx3s.ULX3S_85F_Platform",
            target="ecp5-85k",
            part=("--85k", "--package", "CABGA381", "--speed", "6"),
            clock="clk25",
            clock_mhz=100.0,
            lights=(("ready", "led", 0, ""), ("active", "led", 1, "")),
            loader=("-b", "ulx3s"),
            line="the serial port of its USB socket US1",
            buffer_bytes=4096,
            free_slots=6,
        ),
        Board(
            name="orangecrab",
            title="OrangeCrab 0.2, 25F",
            platform="orangecrab_r0_2.OrangeCrabR0_2_25FPlatform",
            target="ecp5-25k",
            part=("--25k", "--package", "CSFBGA285", "--speed", "8"),
            clock="clk",
            clock_mhz=96.0,
            lights=(
                ("ready", "rgb_led", 0, "g"),
                ("active", "rgb_led", 0, "b"),
            ),
            uart=("N17", "M18"),
            io=(("IO_TYPE", "LVCMOS33"),),
            loader=("-b", "orangeCrab", "--dfu"),
            line="a 3.3 V USB serial adapter: its TX to pin 0, its RX to pin 1, and GND",
            buffer_bytes=4096,
            free_slots=6,
        ),
    )
}


def board(name: str) -> Board:
    """The board called `name`; raises TwinspikeError that lists the known ones."""
    if name not in BOARDS:
        raise out_of_range("board", name, "one of " + ", ".join(BOARDS))
    return BOARDS[name]
