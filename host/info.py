"""What a host is told: about a core, a frame, a session."""

import dataclasses

from ..hw.bus.registers import IDENTIFICATION, MAP_VERSION
from . import registers
from .channel import Channel, Traffic
from .errors import DeviceError


@dataclasses.dataclass(frozen=True)
class Info:
    """What a core is, from its registers, and what its link allows."""

    network_hash: str
    inputs: int
    outputs: int
    timesteps: int
    references: int
    slots: int
    pixels: bool
    loads: bool
    timer: bool  # the core can make its TICKs itself
    window: int
    buffer_bytes: int
    clock_mhz: int  # 0: not known


@dataclasses.dataclass(frozen=True)
class Answer:
    """One frame's result. `cycles`: clocks of the core from the frame's first event to its result."""

    label: int
    distance: int
    runner_up: int
    same: bool
    cycles: int


@dataclasses.dataclass(frozen=True)
class Slot:
    """What a reference slot holds; `threshold` is its own, None: the device's serves it.

    Label and threshold of a slot that holds nothing mean nothing.
    """

    number: int
    label: int
    holds: bool
    threshold: int | None


@dataclasses.dataclass(frozen=True)
class Stats:
    """Counters of the core since its last reset, its sticky error flags, and the line's traffic."""

    frames: int
    cycles: int
    errors: tuple[str, ...]
    weights_loaded: bool
    traffic: Traffic


def identify(channel: Channel) -> Info:
    """Read what the core is; raises DeviceError if it is no core of this release."""
    found = registers.read(channel, "ID", "FRAME")
    if found["ID.id"] != IDENTIFICATION:
        raise DeviceError(f"the device's ID is 0x{found['ID.id']:08x}: it is no twinspike core")
    if found["VERSION.major"] != MAP_VERSION[0]:
        raise DeviceError(
            f"the device's registers are of version {found['VERSION.major']}, this program knows version "
            f"{MAP_VERSION[0]}: use a bitstream and a program of one release"
        )
    features = registers.read(channel, "FEATURES")
    return Info(
        network_hash=f"{found['HASH_HIGH.hash']:08x}{found['HASH_LOW.hash']:08x}",
        inputs=found["SHAPE.inputs"],
        outputs=found["SHAPE.outputs"],
        timesteps=found["FRAME.timesteps"],
        references=found["FRAME.references"],
        slots=features["FEATURES.slots"],
        pixels=bool(features["FEATURES.pixels"]),
        loads=bool(features["FEATURES.loads"]),
        timer=bool(features["FEATURES.timer"]),
        window=channel.opened.window,
        buffer_bytes=1 << channel.opened.buffer_log2,
        clock_mhz=channel.opened.clock_mhz,
    )


def answer_of(found: dict[str, int]) -> Answer:
    """The answer in the fields of a frame's record."""
    return Answer(
        found["LABEL.label"],
        found["DISTANCE.distance"],
        found["RUNNER_UP.runner_up"],
        bool(found["LABEL.same"]),
        found["CYCLES.cycles"],
    )


def image_fault(status: dict[str, int]) -> str:
    """Why there are no weights, from the fields of STATUS."""
    if status["STATUS.image_foreign"]:
        return "its image is none for this network"
    if status["STATUS.image_damaged"]:
        return "its image is damaged: it was too short, or its CRC is wrong"
    return "no image has come"


def flags(found: dict[str, int]) -> tuple[str, ...]:
    """Names of the flags that are set, from the fields of ERRORS (others are passed over)."""
    return tuple(
        name.removeprefix("ERRORS.") for name, set_ in found.items() if name.startswith("ERRORS.") and set_
    )
