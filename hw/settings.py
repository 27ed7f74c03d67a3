"""The `[hardware]` table of a configuration."""

import dataclasses
from importlib import resources

from ..numerics.fields import setting

MAX_SLOTS = 254  # a slot's number has 8 bits in a command, and one value means the staged copy
TARGETS = ("up5k", "hx8k", "ecp5-25k", "ecp5-85k", "gw1n-9c", "gw2a-18c")
# A file of hw/board/known each; only their names are read here, so that no hardware library is loaded.
BOARD_NAMES = tuple(
    sorted(
        entry.name.removesuffix(".py")
        for entry in resources.files("twinspike.hw").joinpath("board", "known").iterdir()
        if entry.name.endswith(".py") and not entry.name.startswith("_")
    )
)

CHECKS = {"auto": None, "yes": True, "no": False}


@dataclasses.dataclass(frozen=True)
class HardwareSettings:
    """How the network becomes a core."""

    lanes: tuple[int, ...] = setting(
        (), low=1, high=1024, help="neurons updated at once, one number per layer; empty: chosen by size"
    )
    events_per_clock: tuple[int, ...] = setting(
        (),
        low=1,
        high=16,
        help="events taken at once, one number per layer (powers of two): a wide core with "
        "a lane for every neuron, for larger FPGAs; empty: one event at a time",
    )
    targets: tuple[str, ...] = setting(
        ("up5k", "ecp5-25k"), choices=TARGETS, help="devices that `synth` places and routes for"
    )
    check_duplicates: str = setting(
        "auto",
        choices=tuple(CHECKS),
        help="flag an address that comes twice in a step; auto: unless the weights need SPRAM",
    )
    slots: int = setting(
        0,
        low=0,
        high=MAX_SLOTS,
        help="reference slots that can be enrolled and cleared at run time: at least the references; "
        "0: its references are fixed",
    )
    pixels: bool = setting(
        False, help="the core behind a bus also takes raw 8-bit pixels and encodes them itself"
    )
    step_timer: int = setting(
        0,
        low=0,
        high=(1 << 32) - 1,
        help="the core can make its TICKs by its own clock, for events that come live without any: clocks "
        "of a step, which a register changes; 0: it has no timer",
    )
    frames: int = setting(300, low=1, high=1_000_000, help="test images that `make sim` compares")
