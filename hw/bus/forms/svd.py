"""The register map as a CMSIS-SVD file, for debuggers and generators of drivers."""

import xml.etree.ElementTree as ET

from ...plan import CorePlan
from ..registers import ADDRESS_BITS
from . import description, fields

_ACCESS = {"ro": "read-only", "rw": "read-write", "wo": "write-only", "w1c": "read-write"}


def registers_svd(plan: CorePlan, name: str, version: str) -> str:
    """A device with one peripheral `name`, at base address 0: the system that holds it says where it lies."""
    device = ET.Element("device", schemaVersion="1.3")
    about = f"Registers of the spiking core of network {plan.network.name}"
    for tag, text in (
        ("name", name),
        ("version", version),
        ("description", about),
        ("addressUnitBits", "8"),
        ("width", "32"),
        ("size", "32"),
        ("resetValue", "0x0"),
        ("resetMask", "0x0"),
    ):
        ET.SubElement(device, tag).text = text
    peripheral = ET.SubElement(ET.SubElement(device, "peripherals"), "peripheral")
    for tag, text in (("name", name), ("description", about), ("baseAddress", "0x0")):
        ET.SubElement(peripheral, tag).text = text
    block = ET.SubElement(peripheral, "addressBlock")
    for tag, text in (("offset", "0x0"), ("size", f"0x{1 << ADDRESS_BITS:x}"), ("usage", "registers")):
        ET.SubElement(block, tag).text = text
    registers = ET.SubElement(peripheral, "registers")
    for register, held in fields(plan):
        element = ET.SubElement(registers, "register")
        known = [(field, reset) for field, reset in held if reset is not None]
        value = sum(reset << field.low for field, reset in known)
        mask = sum(((1 << field.width) - 1) << field.low for field, _ in known)
        for tag, text in (
            ("name", register.name),
            ("description", description(register)),
            ("addressOffset", f"0x{register.offset:x}"),
            ("resetValue", f"0x{value:x}"),
            ("resetMask", f"0x{mask:x}"),
        ):
            ET.SubElement(element, tag).text = text
        inside = ET.SubElement(element, "fields")
        for field, _ in held:
            item = ET.SubElement(inside, "field")
            for tag, text in (
                ("name", field.name),
                ("description", field.meaning),
                ("bitOffset", str(field.low)),
                ("bitWidth", str(field.width)),
                ("access", _ACCESS[field.access]),
                *([("modifiedWriteValues", "oneToClear")] if field.access == "w1c" else []),
            ):
                ET.SubElement(item, tag).text = text
    ET.indent(device)
    return ET.tostring(device, encoding="unicode", xml_declaration=True) + "\n"
