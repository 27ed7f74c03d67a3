"""What a core on a board needs to know that amaranth-boards does not say."""

import dataclasses
import importlib
from typing import Any

from amaranth.build import Attrs
from amaranth_boards.resources import SPIResource, UARTResource

from ..devices import Device, device


@dataclasses.dataclass(frozen=True)
class Board:
    """A board, and how a core is put on it.

    `platform` names the class of amaranth-boards as module.Class, or is a class; `target` is the device in
    DEVICES and `part` its package and speed for nextpnr; `clock` is the resource of the oscillator, whose
    frequency the PLL turns into `clock_mhz`; `lights` are an output of hw/board/system.py and a resource, its
    number and part of it each; `free_slots` are slots beside the network's references; `uart` are pins (RX,
    TX) where the board has no UART of its own; `spi` are free ones (CS, SCK, COPI, CIPO) for a link by SPI,
    and `io` attributes of both; weights lie in the flash from byte `flash_offset` on; `loader` are
    openFPGALoader's arguments and `pack` further ones of the packer. `line` says where the serial port is.
    """

    name: str
    title: str
    platform: str | type
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
    pack: tuple[str, ...] = ()

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
        """The board's platform, with the serial line where it is not the board's own."""
        if isinstance(self.platform, str):
            module, name = self.platform.split(".")
            platform = getattr(importlib.import_module(f"amaranth_boards.{module}"), name)()
        else:
            platform = self.platform()
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


_PLACER: dict[str, tuple[str, ...]] = {"ice40": (), "ecp5": ("--placer", "static"), "gowin": ()}
