"""Which memories are not to lie in blocks of RAM."""

from .plan import CorePlan

# iCE40 has no distributed RAM, and a 4-kbit block is wasted on a few words: up to this many bits,
# flip-flops and a multiplexer (about 1.5 logic cells a bit) are the better use of the device.
REGISTER_BITS = 64
_WITHOUT_LUT_RAM = ("up5k", "hx8k")


def style(plan: CorePlan, bits: int) -> dict[str, str]:
    """Attributes for a memory of `bits` bits: flip-flops where it is tiny and the device is an iCE40."""
    return {"ram_style": "registers"} if plan.target in _WITHOUT_LUT_RAM and bits <= REGISTER_BITS else {}


def quick(plan: CorePlan) -> dict[str, str]:
    """Attributes for a small memory whose word goes through logic at once.

    ECP5's LUTs with a register behind are read in a tenth of the 5.6 ns that its block RAMs take.
    """
    return {"ram_style": "distributed"} if plan.target.startswith("ecp5") else {}
