"""What a register map is made of: 32-bit registers and their fields."""

import dataclasses

ACCESS = {
    "ro": "read only",
    "rw": "read and write",
    "wo": "write only, reads as zero",
    "w1c": "sticky: write 1 to clear",
}


@dataclasses.dataclass(frozen=True)
class Field:
    """Bits `low` .. `low + width - 1` of a register; `access` is one of ACCESS."""

    name: str
    low: int
    width: int
    access: str
    meaning: str

    @property
    def bits(self) -> str:
        return str(self.low) if self.width == 1 else f"{self.low + self.width - 1}..{self.low}"


@dataclasses.dataclass(frozen=True)
class Register:
    """A 32-bit word at byte offset `offset`."""

    name: str
    offset: int
    fields: tuple[Field, ...]
    note: str = ""
