"""The weight image of a core that keeps its weights in RAM: loaded over the link, or waited for."""

import time
from collections.abc import Callable, Iterable

from . import registers
from .channel import Channel
from .errors import DeviceError
from .info import image_fault

# The longest that a board takes to load its weights from flash.
LOADING_SECONDS = 5.0


def load(channel: Channel, words: Iterable[int], progress: Callable[[int], None] | None = None) -> None:
    """Send the 16-bit words of an image, with LOAD's `last`; raises DeviceError if it is refused."""
    values = list(words)
    # A `last` too early: whatever image had begun is forgotten.
    registers.write(channel, "MODE", load_by_register=1)
    registers.write(channel, "LOAD", last=1)
    values[-1] |= registers.compose("LOAD", last=1)
    registers.burst(channel, "LOAD", values, progress)
    status = registers.read(channel, "STATUS")
    registers.write(channel, "MODE")
    if not status["STATUS.weights_loaded"]:
        raise DeviceError(f"the device refuses the weights: {image_fault(status)}")


def wait(channel: Channel) -> None:
    """Wait until weights are loaded; raises DeviceError after LOADING_SECONDS."""
    until = time.monotonic() + LOADING_SECONDS
    while True:
        status = registers.read(channel, "STATUS")
        if status["STATUS.weights_loaded"]:
            return
        if time.monotonic() > until:
            raise DeviceError(f"the core has no weights: {image_fault(status)}; load_weights sends them")
        time.sleep(0.05)
