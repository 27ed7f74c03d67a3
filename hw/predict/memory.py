"""Whether a core's memories fit its device, known before any tool has run."""

from ..devices import DEVICES
from ..plan import CorePlan
from .placement import ram_blocks

# Beyond so many times a device's blocks nothing is tried: synthesis would take very long, to fail.
HOPELESS = 1.5


def memory_lacking(plan: CorePlan, times: float = 1.0) -> str:
    """What the memories need and the device has, if that is more than so many `times` its blocks of RAM.

    "" elsewhere, and for a portable core.
    """
    device = DEVICES.get(plan.target)
    if device is None or (need := ram_blocks(plan)) <= times * device.ram_blocks:
        return ""
    return f"its memories need about {need} {device.ram_block} blocks, {device.name} has {device.ram_blocks}"
