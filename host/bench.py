"""How fast a device answers, and what bounds it."""

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from .device import Device

BITS_A_BYTE = 10  # on the line: start, eight, stop


@dataclasses.dataclass(frozen=True)
class Speed:
    """One way of sending images, over `images` of them.

    `per_second`: as measured. `line_per_second`: what the line allows for the bytes that went the busier way.
    `core_per_second`: what the core allows, frame by frame; None if the device does not state its clock.
    """

    coding: str
    images: int
    per_second: float
    bytes_out: float
    bytes_in: float
    cycles: float
    line_per_second: float
    core_per_second: float | None

    @property
    def bound(self) -> str:
        """What keeps it from being faster."""
        core = self.core_per_second or float("inf")
        if self.per_second > 0.8 * min(self.line_per_second, core):
            return "line" if self.line_per_second < core else "core"
        return "host, driver or latency of USB" if self.core_per_second else "host, or the simulation"


def measure(
    device: Device, images: np.ndarray, baud: int, progress: Callable[[int], None] | None = None
) -> list[Speed]:
    """Classify `images` uint8 [B, *shape] as events, and as pixels where the chip encodes."""
    found = []
    for coding in ("events", *(["pixels"] if device.info.pixels else [])):
        before = dataclasses.replace(device.traffic)
        start, cycles = time.monotonic(), []
        for answer in device.classify(images, pixels=coding == "pixels"):
            cycles.append(answer.cycles)
            if progress:
                progress(1)
        seconds = time.monotonic() - start
        sent = (device.traffic.bytes_out - before.bytes_out) / len(images)
        taken = (device.traffic.bytes_in - before.bytes_in) / len(images)
        mean = float(np.mean(cycles))
        clock = device.info.clock_mhz
        found.append(
            Speed(
                coding=coding,
                images=len(images),
                per_second=len(images) / seconds,
                bytes_out=sent,
                bytes_in=taken,
                cycles=mean,
                line_per_second=baud / BITS_A_BYTE / max(sent, taken),
                core_per_second=clock * 1e6 / mean if clock else None,
            )
        )
    return found
