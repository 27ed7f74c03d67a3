"""How fast a device answers, and what bounds it."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from ..numerics.errors import out_of_range
from ..numerics.link import CRC_BYTES
from .device import Device

# Bits of a byte: a serial line has start and stop.
UART_BITS, SPI_BITS = 10, 8
_BEHIND = CRC_BYTES + 1  # bytes of an answer that are sent while the next frame is in the core


@dataclasses.dataclass(frozen=True)
class Speed:
    """One way of sending images, over `images` of them; bytes and clocks are means an image.

    `per_second`: as measured. `line_per_second`: what the line allows for the bytes that went the busier way.
    `core_per_second`: what the core allows, a frame at a time; None if the device does not state its clock.
    `device_per_second`: the same with the answers: the link sends one, but for its CRC, before it begins the
    next frame.
    """

    encoding: str
    images: int
    per_second: float
    bytes_out: float
    bytes_in: float
    cycles: float
    line_per_second: float
    core_per_second: float | None
    device_per_second: float | None

    @property
    def bound(self) -> str:
        """What keeps it from being faster."""
        device = self.device_per_second or float("inf")
        if self.per_second > 0.8 * min(self.line_per_second, device):
            return "line" if self.line_per_second < device else "core, then answer"
        return "host, driver, latency of USB, or a simulation"


def measure(
    device: Device,
    images: np.ndarray,
    bytes_a_second: float,
    progress: Callable[[int], None] | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> list[Speed]:
    """Classify `images` uint8 [B, *shape] as events, and as pixels where the chip encodes.

    `bytes_a_second`: of the line, each way. `clock` gives the time in seconds; that of a simulated board is
    its own. What comes once a run, and the first image, are left out of the figures. Raises TwinspikeError
    if there are fewer than two images.
    """
    if len(images) < 2:
        raise out_of_range("images to measure with", len(images), "2 or more")
    found = []
    for encoding in ("events", *(["pixels"] if device.info.pixels else [])):
        pixels = encoding == "pixels"
        at = [dataclasses.replace(device.traffic)]
        list(device.classify(images[:1], pixels=pixels))
        at.append(dataclasses.replace(device.traffic))
        times, cycles = [], []
        for answer in device.classify(images, pixels=pixels):
            times.append(clock())
            cycles.append(answer.cycles)
            if progress:
                progress(1)
        at.append(dataclasses.replace(device.traffic))
        more = len(images) - 1
        sent = (at[2].bytes_out + at[0].bytes_out - 2 * at[1].bytes_out) / more
        taken = (at[2].bytes_in + at[0].bytes_in - 2 * at[1].bytes_in) / more
        mean = float(np.mean(cycles[1:]))
        core = mean / (device.info.clock_mhz * 1e6) if device.info.clock_mhz else None
        found.append(
            Speed(
                encoding=encoding,
                images=more,
                per_second=more / (times[-1] - times[0]),
                bytes_out=sent,
                bytes_in=taken,
                cycles=mean,
                line_per_second=bytes_a_second / max(sent, taken),
                core_per_second=1 / core if core else None,
                device_per_second=1 / (core + (taken - _BEHIND) / bytes_a_second) if core else None,
            )
        )
    return found
