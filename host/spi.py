"""A link by SPI as a port of bytes: this side is the controller, and asks the device what it has to say."""

import contextlib
import re
import time
from collections.abc import Callable

from ..numerics.extras import remedy
from ..numerics.link import FLAG
from .errors import LinkError

SCHEME = "spi://"
_PATTERN = re.compile(r"spi:///dev/spidev(\d+)\.(\d+)$")
# Bytes that are exchanged to hear whether the device has any, and that a transfer may have (spidev: 4096).
_ASK, _MOST = 64, 4096
_PAUSE_SECONDS = 0.0005


class SpiPort:
    """What a Channel asks of a port, over `transfer`: bytes out, as many bytes in, in one SPI transfer.

    `transfer` may be that of any adapter, such as pyftdi's
    ``lambda data: port.exchange(data, duplex=True)``. Between frames both sides send FLAGs, of which
    those in a row are dropped here.
    """

    def __init__(self, transfer: Callable[[bytes], bytes], close: Callable[[], None] = lambda: None):
        self._transfer, self._close = transfer, close
        self._come = bytearray()
        self._before = FLAG

    @property
    def in_waiting(self) -> int:
        """Bytes that have come and were not read yet."""
        return len(self._come)

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes; asks the device if none are there, and waits a moment if it has none."""
        if not self._come:
            self._exchange(bytes((FLAG,)) * _ASK)
        if not self._come:
            time.sleep(_PAUSE_SECONDS)
        found = bytes(self._come[:size])
        del self._come[:size]
        return found

    def write(self, data: bytes) -> int:
        """Send bytes; what comes in meanwhile is kept."""
        for at in range(0, len(data), _MOST):
            self._exchange(data[at : at + _MOST])
        return len(data)

    def close(self) -> None:
        """Give the adapter back."""
        self._close()

    def _exchange(self, data: bytes) -> None:
        for byte in bytes(self._transfer(data)):
            if byte != FLAG or self._before != FLAG:
                self._come.append(byte)
            self._before = byte


def open_spi(port: str, hertz: int) -> SpiPort:
    """The port ``spi:///dev/spidevB.C`` of Linux at a clock of `hertz`; raises LinkError."""
    named = _PATTERN.match(port)
    if not named:
        raise LinkError(f"{port}: no name of an SPI port: expected spi:///dev/spidevB.C, bus and chip select")
    try:
        import spidev
    except ImportError:
        raise LinkError(f"{port}: the Python package spidev is missing: {remedy('spi')} (Linux)") from None
    device = spidev.SpiDev()
    try:
        device.open(int(named[1]), int(named[2]))
        device.max_speed_hz, device.mode = hertz, 0
    except OSError as error:
        with contextlib.suppress(OSError):
            device.close()
        raise LinkError(f"{port}: cannot be opened ({error}): enable SPI, and name its bus") from None
    return SpiPort(lambda data: bytes(device.xfer2(list(data))), device.close)
