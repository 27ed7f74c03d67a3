"""The host's side of a link by SPI: bytes out of transfers, and errors where there is no way to make them."""

import sys
from types import ModuleType

import numpy as np
import pytest

from twinspike.host import Device, LinkError
from twinspike.host.spi import SpiPort, open_spi
from twinspike.numerics.link import FLAG, Deframer, Op, frame


class Peripheral:
    """Answers each sound frame with one of the same content, as soon as it has it; else FLAGs."""

    def __init__(self):
        self.deframer, self.queue, self.transfers = Deframer(), bytearray(), []

    def transfer(self, data):
        out = bytearray()
        self.transfers.append(len(data))
        for byte in data:
            out.append(self.queue.pop(0) if self.queue else FLAG)
            for found in self.deframer.feed(bytes((byte,))):
                self.queue += frame(*found)
        return bytes(out)


def test_frames_go_both_ways_and_flags_in_a_row_are_one():
    peripheral = Peripheral()
    port, back = SpiPort(peripheral.transfer), Deframer()
    assert port.read(10) == b"" and port.in_waiting == 0
    rng = np.random.default_rng(0)
    sent = [
        (at, Op.EVENTS, rng.integers(0, 256, int(size)).astype(np.uint8).tobytes())
        for at, size in enumerate(rng.integers(0, 300, 20))
    ]
    found, came = [], 0
    for one in sent:
        assert port.write(frame(*one)) == len(frame(*one))
    while len(found) < len(sent):
        data = port.read(max(1, port.in_waiting))
        came += len(data)
        found += back.feed(data)
    assert found == sent and back.broken == 0
    # No more comes out than the frames themselves: what was idle is gone.
    assert came <= sum(len(frame(*one)) for one in sent)
    port.write(bytes(10_000))
    assert max(peripheral.transfers) == 4096


def test_a_port_of_linux(monkeypatch):
    module, peripheral, opened = ModuleType("spidev"), Peripheral(), []

    class SpiDev:
        max_speed_hz, mode = 0, 3

        def open(self, bus, select):
            if bus == 9:
                raise FileNotFoundError(2, "No such file or directory")
            opened.append((bus, select, self))

        def xfer2(self, data):
            return list(peripheral.transfer(bytes(data)))

        def close(self):
            opened.append("closed")

    module.SpiDev = SpiDev
    monkeypatch.setitem(sys.modules, "spidev", module)
    port = open_spi("spi:///dev/spidev1.2", 2_000_000)
    ((bus, select, device),) = opened
    assert (bus, select, device.max_speed_hz, device.mode) == (1, 2, 2_000_000, 0)
    port.write(frame(1, Op.READ, b"xyz"))
    assert list(Deframer().feed(port.read(100))) == [(1, Op.READ, b"xyz")]
    port.close()
    assert opened[-1] == "closed"
    with pytest.raises(LinkError, match=r"spidev9\.0: cannot be opened \(.*\): enable SPI, and name its bus"):
        Device.open("spi:///dev/spidev9.0")
    with pytest.raises(LinkError, match=r"no name of an SPI port: expected spi:///dev/spidevB\.C"):
        Device.open("spi:///dev/ttyUSB0")
    # Nobody answers there: the peripheral only repeats what it hears.
    with pytest.raises(LinkError, match="no twinspike device answers"):
        Device.open("spi:///dev/spidev0.0", timeout=0.05, retries=0)
    monkeypatch.setitem(sys.modules, "spidev", None)
    with pytest.raises(LinkError, match=r"package spidev is missing: pip install 'twinspike\[spi\]'"):
        Device.open("spi:///dev/spidev0.0")
