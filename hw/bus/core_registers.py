"""The registers of one core: those that it has, in its own words, and the values that it fixes."""

import dataclasses

from ..plan import CorePlan
from .fields import Register
from .registers import COMMAND_ERRORS, IDENTIFICATION, MAP_VERSION, OF_TIMER, REGISTERS

# What a core without slots does not have, a register or a field of one each ...
_OF_SLOTS = {
    "COMMAND",
    "COMMAND_STATUS",
    "REFERENCE_AT",
    "REFERENCE",
    "STAGE",
    "COMMIT_THRESHOLD",
    "REFERENCE_THRESHOLD",
    "FEATURES.slots",
    *(f"ERRORS.{name}" for name, _ in COMMAND_ERRORS if name != "command_unknown"),
}
# ... and what is said otherwise of those that it has.
_WITHOUT_SLOTS = {
    "CONTROL.soft_reset": "1 resets the core: frames in progress, event port, results, errors and counters; "
    "MODE, INTERRUPT, THRESHOLD and loaded weights stay",
    "ERRORS.command_unknown": "a command was written, all four bytes at 0x80: this core has none",
    "THRESHOLD.threshold": "`same` is distance <= threshold, for results that come after the write; reset "
    "gives the network's own threshold",
    "LABEL.label": "label of the last result",
}


def core_registers(plan: CorePlan) -> tuple[Register, ...]:
    """The registers of a core, in its own words: those for what it does not have are left out.

    They lie in the gateware of any core, but read as zero and ignore writes there.
    """
    absent: set[str] = set() if plan.slots else _OF_SLOTS
    if not plan.step_timer:
        absent = absent | {*OF_TIMER, "FEATURES.timer"}
    if not (plan.references or plan.slots):
        absent = absent | {"FRAME.references"}
    words = {} if plan.slots else dict(_WITHOUT_SLOTS)
    if plan.network.references.threshold is not None:
        words.pop("THRESHOLD.threshold", None)
    return tuple(
        dataclasses.replace(
            register,
            fields=tuple(
                dataclasses.replace(field, meaning=words.get(f"{register.name}.{field.name}", field.meaning))
                for field in register.fields
                if f"{register.name}.{field.name}" not in absent
            ),
        )
        for register in REGISTERS
        if register.name not in absent
    )


def constants(plan: CorePlan) -> dict[str, int]:
    """Values of the fields that a core fixes, and reset values of the others that are not zero."""
    network = plan.network
    return {
        "ID.id": IDENTIFICATION,
        "VERSION.major": MAP_VERSION[0],
        "VERSION.minor": MAP_VERSION[1],
        "HASH_LOW.hash": plan.network_hash & 0xFFFF_FFFF,
        "HASH_HIGH.hash": plan.network_hash >> 32,
        "SHAPE.inputs": network.inputs,
        "SHAPE.outputs": network.outputs,
        "FRAME.timesteps": network.timesteps,
        "FRAME.references": plan.references,
        "THRESHOLD.threshold": network.verify_threshold,
        "FEATURES.slots": plan.slots,
        "FEATURES.pixels": int(plan.pixels),
        "FEATURES.loads": int(plan.loads),
        "FEATURES.timer": int(plan.step_timer > 0),
        **({"STEP_CLOCKS.period": plan.step_timer} if plan.step_timer else {}),
    }
