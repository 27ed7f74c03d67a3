"""A bus top as an IP-XACT component (IEEE 1685-2014): register map, ports and AXI interfaces."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from ...plan import CorePlan
from ..registers import ADDRESS_BITS
from . import description, fields

SPACE = "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"
_ACCESS = {"ro": "read-only", "rw": "read-write", "wo": "write-only", "w1c": "read-write"}
MAP = "registers"


def component_xml(plan: CorePlan, top: str, version: str, ports: Sequence[tuple[str, str, int]]) -> str:
    """The component of module `top`; `ports` are (name, "in" or "out", bits), in the order of the module."""
    ET.register_namespace("ipxact", SPACE)
    root = _element(None, "component")
    for tag, text in (("vendor", "twinspike"), ("library", "ip"), ("name", top), ("version", version)):
        _element(root, tag, text)
    names = [name for name, _, _ in ports]
    interfaces = _element(root, "busInterfaces")
    for prefix, kind, role in _interfaces(names):
        _interface(interfaces, prefix, kind, role, [n for n in names if n.startswith(f"{prefix}_")])
    if len(interfaces) == 0:
        root.remove(interfaces)
    _registers(_element(root, "memoryMaps"), plan)
    _model(_element(root, "model"), top, ports)
    _element(root, "description", f"Spiking core of network {plan.network.name} behind a bus")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _element(parent: ET.Element | None, tag: str, text: str | None = None) -> ET.Element:
    name = f"{{{SPACE}}}{tag}"
    element = ET.Element(name) if parent is None else ET.SubElement(parent, name)
    element.text = text
    return element


def _interfaces(names: Sequence[str]) -> list[tuple[str, str, str]]:
    """(Prefix of the ports, kind, role) of the AXI interfaces."""
    found = []
    if "s_axil_awvalid" in names:
        found.append(("s_axil", "AXI4", "slave"))
    for name in names:
        if name.endswith("_tvalid"):
            prefix = name.removesuffix("_tvalid")
            found.append((prefix, "AXI4Stream", "slave" if prefix.startswith("s_") else "master"))
    return found


def _interface(parent: ET.Element, prefix: str, kind: str, role: str, ports: Sequence[str]) -> None:
    interface = _element(parent, "busInterface")
    _element(interface, "name", prefix)
    common = {"vendor": "amba.com", "library": "AMBA4", "version": "r0p0_0"}
    _element(interface, "busType").attrib.update({**common, "name": kind})
    type_ = _element(_element(interface, "abstractionTypes"), "abstractionType")
    _element(type_, "abstractionRef").attrib.update({**common, "name": f"{kind}_rtl"})
    maps = _element(type_, "portMaps")
    for port in ports:
        pair = _element(maps, "portMap")
        _element(_element(pair, "logicalPort"), "name", port.removeprefix(f"{prefix}_").upper())
        _element(_element(pair, "physicalPort"), "name", port)
    side = _element(interface, role)
    if kind == "AXI4":
        _element(side, "memoryMapRef").set("memoryMapRef", MAP)


def _registers(parent: ET.Element, plan: CorePlan) -> None:
    held = _element(parent, "memoryMap")
    _element(held, "name", MAP)
    block = _element(held, "addressBlock")
    for tag, text in (
        ("name", MAP),
        ("baseAddress", "'h0"),
        ("range", f"'h{1 << ADDRESS_BITS:x}"),
        ("width", "32"),
        ("usage", "register"),
    ):
        _element(block, tag, text)
    for register, inside in fields(plan):
        element = _element(block, "register")
        for tag, text in (
            ("name", register.name),
            ("description", description(register)),
            ("addressOffset", f"'h{register.offset:x}"),
            ("size", "32"),
        ):
            _element(element, tag, text)
        for field, reset in inside:
            item = _element(element, "field")
            for tag, text in (
                ("name", field.name),
                ("description", field.meaning),
                ("bitOffset", str(field.low)),
            ):
                _element(item, tag, text)
            if reset is not None:
                _element(_element(_element(item, "resets"), "reset"), "value", f"'h{reset:x}")
            _element(item, "bitWidth", str(field.width))
            _element(item, "volatile", str(field.access in ("ro", "w1c") and reset is None).lower())
            _element(item, "access", _ACCESS[field.access])
            if field.access == "w1c":
                _element(item, "modifiedWriteValue", "oneToClear")
    _element(held, "addressUnitBits", "8")


def _model(parent: ET.Element, top: str, ports: Sequence[tuple[str, str, int]]) -> None:
    view = _element(_element(parent, "views"), "view")
    _element(view, "name", "verilog")
    _element(view, "componentInstantiationRef", "verilog")
    made = _element(_element(parent, "instantiations"), "componentInstantiation")
    for tag, text in (("name", "verilog"), ("language", "Verilog"), ("moduleName", top)):
        _element(made, tag, text)
    listed = _element(parent, "ports")
    for name, direction, bits in ports:
        port = _element(listed, "port")
        _element(port, "name", name)
        wire = _element(port, "wire")
        _element(wire, "direction", direction)
        if bits > 1:
            vector = _element(_element(wire, "vectors"), "vector")
            _element(vector, "left", str(bits - 1))
            _element(vector, "right", "0")
