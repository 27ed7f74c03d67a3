"""Reference slots of a core, word by word."""

import numpy as np

from ..numerics.commands import STAGED_SLOT
from ..numerics.errors import out_of_range
from . import registers
from .channel import Channel


def state(channel: Channel, slot: int) -> tuple[int, bool]:
    """Label of a slot, and whether it holds a reference."""
    registers.write(channel, "REFERENCE_AT", slot=slot)
    found = registers.read(channel, "REFERENCE")
    return found["REFERENCE.label"], bool(found["REFERENCE.holds"])


def threshold(channel: Channel, slot: int) -> int | None:
    """The decision threshold of a slot's own, None if it has none."""
    registers.write(channel, "REFERENCE_AT", slot=slot)
    found = registers.read(channel, "REFERENCE_THRESHOLD")
    return found["REFERENCE_THRESHOLD.threshold"] if found["REFERENCE_THRESHOLD.own"] else None


def read(channel: Channel, slot: int, shape: tuple[int, int]) -> np.ndarray:
    """Cumulative counts int64 [T, n_out] of a slot."""
    requests = (
        request
        for step, neuron in np.ndindex(shape)
        for request in (
            registers.writing(
                "REFERENCE_AT", registers.compose("REFERENCE_AT", neuron=neuron, step=step, slot=slot)
            ),
            registers.reading("REFERENCE"),
        )
    )
    answers = list(channel.stream(requests))[1::2]
    counts = [registers.fields("REFERENCE", answer)["REFERENCE.count"] for answer in answers]
    return np.array(counts, np.int64).reshape(shape)


def stage(channel: Channel, counts: np.ndarray, shape: tuple[int, int]) -> None:
    """Write cumulative counts [T, n_out] to the staged copy, for COMMIT."""
    most = shape[0]
    if counts.shape != shape or counts.min() < 0 or counts.max() > most:
        found = f"{list(counts.shape)}, {counts.min()}..{counts.max()}"
        raise out_of_range("counts", found, f"{list(shape)}, 0..{most}")
    registers.write(channel, "REFERENCE_AT", slot=STAGED_SLOT)
    registers.burst(channel, "STAGE", counts.ravel().tolist())
