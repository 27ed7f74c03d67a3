"""Which memories are too small to deserve a block of RAM."""

from .plan import CorePlan

# iCE40 has no distributed RAM, and a 4-kbit block is wasted on a few words: up to this many bits,
# flip-flops and a multiplexer (about 1.5 logic cells a bit) are the better use of the device.
REGISTER_BITS = 64
_WITHOUT_LUT_RAM = ("up5k", "hx8k")


def style(plan: CorePlan, bits: int) -> dict[str, str]:
    """Attributes for a memory of `bits` bits: flip-flops where it is tiny and the device is an iCE40."""
    return {"ram_style": "registers"} if plan.target in _WITHOUT_LUT_RAM and bits <= REGISTER_BITS else {}
