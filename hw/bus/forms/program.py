"""The register map as JSON, for programs."""

import dataclasses
from typing import Any

from ...plan import CorePlan
from ..core_registers import constants, core_registers
from ..registers import ADDRESS_BITS, MAP_VERSION


def registers_json(plan: CorePlan) -> dict[str, Any]:
    """The map for programs: registers with offsets and fields; `reset` where it does not depend on time."""
    fixed = constants(plan)
    return {
        "address_bits": ADDRESS_BITS,
        "map_version": list(MAP_VERSION),
        "network_hash": plan.network.content_hash[:16],
        "registers": [
            {
                "name": register.name,
                "offset": register.offset,
                "note": register.note,
                "fields": [
                    {**dataclasses.asdict(field), "reset": fixed.get(f"{register.name}.{field.name}")}
                    for field in register.fields
                ],
            }
            for register in core_registers(plan)
        ],
    }
