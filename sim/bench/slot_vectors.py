"""Enrol, verify and clear over a bus: steps for a test bench, with what sim/siamese.py says they give."""

from collections.abc import Iterator

import numpy as np

from ...hw.bus.registers import REGISTERS
from ...hw.plan import CorePlan
from ...numerics.commands import COMMANDS
from ..siamese import SiameseCore

# Operations of a step.
WRITE, UNTIL, READ, FRAME = range(4)
LABEL = 0xFEED
THRESHOLD = 1 << 31 | 1  # the slot has one of its own, at a distance of 1

_AT = {register.name: register.offset for register in REGISTERS}
_FLAGS = {f.name: 1 << f.low for r in REGISTERS if r.name == "ERRORS" for f in r.fields}
_BUSY, _TAKEN = 1 << 17, 4


def slot_lines(plan: CorePlan, counts: np.ndarray) -> list[str]:
    """The steps for golden frames with cumulative output counts [T, B, N]; none for a core without slots.

    A step is {operation (4 bits), register (12), mask (32), value (32)} in hexadecimal: WRITE the value;
    READ compares the register under the mask with it, UNTIL again and again; FRAME sends that golden frame.
    """
    if not plan.slots:
        return []
    return [f"{step:020x}\n" for step in _steps(plan, counts.transpose(1, 0, 2))]


def _steps(plan: CorePlan, counts: np.ndarray) -> Iterator[int]:
    golden = SiameseCore(plan.network, plan.slots)
    slot, other = plan.slots - 1, len(counts) - 1

    def step(operation: int, register: str, value: int, mask: int = 0xFFFF_FFFF) -> int:
        return operation << 76 | _AT[register] << 64 | mask << 32 | value

    def command(name: str, at: int = 0, label: int = 0) -> Iterator[int]:
        value = COMMANDS.index(name) | at << 8 | label << 16
        refused = golden.command(value)
        yield step(WRITE, "COMMAND", value)
        yield step(UNTIL, "COMMAND_STATUS", 0, _BUSY)
        yield step(READ, "COMMAND_STATUS", golden.mode | golden.only << 8 | golden.staged << 16)
        yield step(READ, "ERRORS", _FLAGS[refused] if refused else 0)
        yield step(WRITE, "ERRORS", 0xFFFF_FFFF)

    def frame(number: int) -> Iterator[int]:
        answer = golden.frame(counts[number])
        yield step(FRAME, "EVENT", number)
        yield step(READ, "LABEL", answer.label | answer.same << 16)
        yield step(READ, "DISTANCE", answer.distance)
        yield step(READ, "RUNNER_UP", answer.runner_up)
        yield step(WRITE, "STATUS", _TAKEN)

    def reference(at: int, time: int, neuron: int) -> Iterator[int]:
        value = neuron | time << 16 | at << 24
        found = golden.reference_at(value)
        assert not isinstance(found, str)
        count, holds, label = found
        yield step(WRITE, "REFERENCE_AT", value)
        yield step(UNTIL, "COMMAND_STATUS", 0, _BUSY)
        yield step(READ, "REFERENCE", count | holds << 8 | label << 16)
        yield step(READ, "REFERENCE_THRESHOLD", golden.reference_threshold(at))

    # Whatever the slot held is given up, so that it is the new reference alone that answers.
    yield from command("CLEAR", slot)
    yield from command("VERIFY", slot)
    yield from frame(0)
    yield from command("COMMIT", slot, LABEL)  # nothing is staged
    yield from command("ENROL")
    yield from frame(0)
    golden.commit_threshold(THRESHOLD)
    yield step(WRITE, "COMMIT_THRESHOLD", THRESHOLD)
    yield step(UNTIL, "COMMAND_STATUS", 0, _BUSY)
    yield from command("COMMIT", slot, LABEL)
    for time, neuron in ((0, 0), (plan.network.timesteps - 1, plan.network.outputs - 1)):
        yield from reference(slot, time, neuron)
    yield from command("VERIFY", slot)
    yield from frame(0)
    yield from frame(other)
    yield from command("CLASSIFY")
    yield from frame(0)
    yield from frame(other)
    yield from command("CLEAR", plan.slots)  # no such slot
    yield from command("CLEAR", slot)
    yield from frame(0)
    yield from reference(slot, 0, 0)
