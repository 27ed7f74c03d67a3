"""The registers' offsets as Verilog macros."""

from ...plan import CorePlan
from ..core_registers import core_registers
from ..registers import ADDRESS_BITS


def registers_header(plan: CorePlan, prefix: str = "TWINSPIKE") -> str:
    """Verilog macros of the registers' offsets, each named `prefix` and then as the register."""
    digits = ADDRESS_BITS // 4
    lines = [
        f"`define {prefix}_{r.name} {ADDRESS_BITS}'h{r.offset:0{digits}x}\n" for r in core_registers(plan)
    ]
    return "// Byte offsets of the registers.\n" + "".join(lines)
