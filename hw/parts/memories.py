"""Which memories are not to lie in blocks of RAM: attributes for them by device and size."""

from ..devices import DEVICES, architecture

# iCE40 has no distributed RAM, and a 4-kbit block is wasted on a few words: up to this many bits,
# flip-flops and a multiplexer (about 1.5 logic cells a bit) are the better use of the device.
REGISTER_BITS = 64
# The same in a core whose blocks are taken by the states of maps.
MOST_REGISTER_BITS = 256
# About 4,000 LUTs of an ECP5.
_LUT_RAM_BITS = 20_000
# Devices with fewer blocks of RAM than this spare them where they can.
_FEW_BLOCKS = 100


def style(target: str, bits: int, short: bool = False) -> dict[str, str]:
    """Attributes for a memory of `bits` bits: flip-flops where it is tiny and the device is an iCE40.

    `short`: whether the core has no block to spare (CorePlan.short_of_blocks).
    """
    most = MOST_REGISTER_BITS if short else REGISTER_BITS
    return {"ram_style": "registers"} if architecture(target) == "ice40" and bits <= most else {}


def quick(target: str, bits: int) -> dict[str, str]:
    """Attributes for a memory of `bits` bits whose word goes through logic at once.

    ECP5's LUTs with a register behind are read in a tenth of the 5.6 ns that its block RAMs take; a large
    memory would take too many of them.
    """
    small = architecture(target) == "ecp5" and bits <= _LUT_RAM_BITS
    return {"ram_style": "distributed"} if small else {}


def spare(target: str, bits: int) -> dict[str, str]:
    """Attributes for a memory of `bits` bits that is to leave the blocks of a small ECP5 to the weights.

    Elsewhere a block serves better: slots of 18 kbit were placed at 87 MHz in LUTs of an ECP5-85F, at 113
    MHz in its blocks.
    """
    return quick(target, bits) if target in DEVICES and DEVICES[target].ram_blocks < _FEW_BLOCKS else {}
