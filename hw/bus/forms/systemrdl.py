"""The register map in SystemRDL 2.0, for PeakRDL and other compilers."""

from ...plan import CorePlan
from . import description, fields

# Properties of a field by its access, seen from the bus.
_ACCESS = {
    "ro": "sw = r;",
    "rw": "sw = rw; hw = r;",
    "wo": "sw = w; hw = r;",
    "w1c": "sw = rw; onwrite = woclr;",
}


def registers_rdl(plan: CorePlan, name: str) -> str:
    """An addrmap called `name`. What a core fixes is the reset of a field that hardware does not write."""
    lines = [
        f"addrmap {name} {{",
        f'    name = "Registers of {_text(plan.network.name)}";',
        "    default regwidth = 32;",
        "    default accesswidth = 32;",
        "    littleendian;",
    ]
    for register, held in fields(plan):
        lines += ["    reg {", f'        desc = "{_text(description(register))}";']
        for field, reset in held:
            way = _ACCESS[field.access]
            if field.access in ("ro", "w1c"):
                way += " hw = na;" if field.access == "ro" and reset is not None else " hw = w;"
            value = "" if reset is None else f" = {field.width}'h{reset:x}"
            high = field.low + field.width - 1
            way = f'desc = "{_text(field.meaning)}"; {way}'
            lines.append(f"        field {{ {way} }} {field.name}[{high}:{field.low}]{value};")
        lines.append(f"    }} {register.name} @ 0x{register.offset:x};")
    return "\n".join([*lines, "};"]) + "\n"


def _text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
