"""Ports by name: a serial one, or SPI."""

from pathlib import Path

import serial

from .channel import Port
from .errors import LinkError
from .spi import SCHEME, open_spi


def open_port(port: str, baud: int) -> Port:
    """The port of that name; `baud` is the clock in hertz by SPI. Raises LinkError."""
    if port.startswith(SCHEME):
        return open_spi(port, baud)
    try:
        return serial.Serial(port, baud, timeout=0.02, exclusive=True)
    except (OSError, ValueError) as error:
        if not port.startswith("/dev/") and not Path(port).exists():
            raise LinkError(
                f"{port}: there is no such port: sim-board, if it is to make it, is still building, was not "
                "started or has ended; a board's own is /dev/ttyUSB1 or the like"
            ) from None
        raise LinkError(f"{port}: cannot be opened ({error}): name the board's serial port") from None
