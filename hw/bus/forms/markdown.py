"""The register map for readers, as Markdown."""

from collections.abc import Iterable, Mapping

from ...plan import CorePlan
from ..core_registers import constants, core_registers
from ..fields import ACCESS, Register
from ..registers import REGISTERS


def registers_markdown(plan: CorePlan) -> str:
    """The map for readers."""
    lines = [
        f"# Registers, network {plan.network.name}",
        "",
        "32-bit registers at byte offsets, little-endian. Offsets and bits that are not named read as zero",
        "and ignore writes. Bytes of a write that are not selected count as zeros, except in fields to read",
        "and write, where they stay as they are.",
        "",
        *registers_table(constants(plan), core_registers(plan)),
        "",
        *(f"- `{key}`: {text}" for key, text in ACCESS.items()),
        "",
        *(register.note for register in core_registers(plan) if register.note),
    ]
    return "\n".join(lines) + "\n"


def registers_table(
    fixed: Mapping[str, int] | None = None, registers: Iterable[Register] = REGISTERS
) -> list[str]:
    """Lines of a Markdown table, a field each; with the values of one core, by ``REGISTER.field``."""
    titles = ["offset", "register", "bits", "field", "access", "meaning"]
    rows = []
    for register in registers:
        for index, field in enumerate(register.fields):
            head = ["", ""] if index else [f"`0x{register.offset:02x}`", f"`{register.name}`"]
            row = [*head, field.bits, field.name, field.access, field.meaning]
            if fixed is not None:
                value = fixed.get(f"{register.name}.{field.name}", 0 if field.access == "rw" else None)
                row.append("" if value is None else f"`0x{value:x}`" if field.width == 32 else f"{value}")
            rows.append(row)
    if fixed is not None:
        titles.append("value or reset")
    return ["| " + " | ".join(row) + " |" for row in (titles, ["---"] * len(titles), *rows)]
