"""The register map as a C header: offsets, and shift, mask and reset of every field."""

from ...plan import CorePlan
from ..fields import ACCESS
from . import fields


def registers_c(plan: CorePlan, prefix: str = "TWINSPIKE") -> str:
    """Macros alone, so C and C++ of any edition take them, and the preprocessor of assemblers too."""
    lines = [
        f"#ifndef {prefix}_REGISTERS_H",
        f"#define {prefix}_REGISTERS_H",
        "",
        "/* Byte offsets of 32-bit registers; of each field its lowest bit, its bits in place, and its value",
        f" * after reset where that is fixed. Network hash {plan.network.content_hash[:16]}. */",
    ]
    for register, held in fields(plan):
        lines += ["", f"#define {prefix}_{register.name} 0x{register.offset:03x}u"]
        for field, reset in held:
            name = f"{prefix}_{register.name}_{field.name.upper()}"
            mask = ((1 << field.width) - 1) << field.low
            lines += [
                f"/* {ACCESS[field.access]}: {field.meaning.replace('*/', '* /')} */",
                f"#define {name}_SHIFT {field.low}u",
                f"#define {name}_MASK 0x{mask:08x}u",
                *([] if reset is None else [f"#define {name}_RESET 0x{reset:x}u"]),
            ]
    return "\n".join([*lines, "", f"#endif /* {prefix}_REGISTERS_H */"]) + "\n"
