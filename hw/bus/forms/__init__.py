"""The registers that a core has in the forms other tools read, written from hw/bus/registers.py."""

from collections.abc import Iterator

from ...plan import CorePlan
from ..core_registers import constants, core_registers
from ..fields import Field, Register


def fields(plan: CorePlan) -> Iterator[tuple[Register, list[tuple[Field, int | None]]]]:
    """The registers of a core, each with its fields and what they hold after reset, where that is fixed."""
    fixed = constants(plan)
    for register in core_registers(plan):
        yield (
            register,
            [
                (field, fixed.get(f"{register.name}.{field.name}", 0 if field.access == "rw" else None))
                for field in register.fields
            ],
        )


def description(register: Register) -> str:
    """What is said of a register: its note, or what its only field is."""
    return register.note or (register.fields[0].meaning if len(register.fields) == 1 else register.name)
