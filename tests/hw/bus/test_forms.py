"""The register map in every form: read back by others' tools or the language's own, each says the same."""

import os
import re
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from cmsis_svd.parser import SVDParser
from support.networks import random_network
from systemrdl import RDLCompiler
from systemrdl.node import RegNode
from systemrdl.rdltypes import OnWriteType

from twinspike.hw.bus.forms.c_header import registers_c
from twinspike.hw.bus.forms.html import registers_html
from twinspike.hw.bus.forms.ipxact import SPACE, component_xml
from twinspike.hw.bus.forms.program import registers_json
from twinspike.hw.bus.forms.svd import registers_svd
from twinspike.hw.bus.forms.systemrdl import registers_rdl
from twinspike.hw.bus.registers import ADDRESS_BITS
from twinspike.hw.plan import make_plan


@pytest.fixture(scope="module", params=["plain", "slots and timer"])
def plan(request):
    more = {"slots": 5, "step_timer": 1000} if request.param != "plain" else {}
    return make_plan(random_network(), **more)


def flat(plan):
    """(Register, offset, field, lowest bit, width, access, reset) of each field, by the map for programs."""
    return [
        (r["name"], r["offset"], f["name"], f["low"], f["width"], f["access"], reset(f))
        for r in registers_json(plan)["registers"]
        for f in r["fields"]
    ]


def reset(field):
    return 0 if field["access"] == "rw" and field["reset"] is None else field["reset"]


def test_systemrdl_compiles_to_the_map(plan, tmp_path):
    (tmp_path / "map.rdl").write_text(registers_rdl(plan, "faces"))
    compiler = RDLCompiler()
    compiler.compile_file(str(tmp_path / "map.rdl"))
    top = compiler.elaborate().top
    found = []
    for register in top.children():
        assert isinstance(register, RegNode)
        for field in register.fields():
            access = {"r": "ro", "rw": "rw", "w": "wo"}[field.get_property("sw").name]
            if field.get_property("onwrite") == OnWriteType.woclr:
                access = "w1c"
            found.append(
                (
                    register.inst_name,
                    register.absolute_address,
                    field.inst_name,
                    field.low,
                    field.width,
                    access,
                    field.get_property("reset"),
                )
            )
            # What hardware never writes is a constant.
            constant = access == "ro" and field.get_property("reset") is not None
            assert field.is_hw_writable != (constant or access in ("rw", "wo"))
    assert top.inst_name == "faces" and found == flat(plan)


def test_the_c_header_compiles_and_has_every_mask(plan, tmp_path):
    wanted, lines = [], []
    for register, offset, field, low, width, _, value in flat(plan):
        name = f"FACES_{register}_{field.upper()}"
        shown = [f"FACES_{register}", f"{name}_SHIFT", f"{name}_MASK"]
        wanted.append([offset, low, ((1 << width) - 1) << low])
        if value is not None:
            shown.append(f"{name}_RESET")
            wanted[-1].append(value)
        lines.append(f'printf("{" ".join(["%u"] * len(shown))}\\n", {", ".join(shown)});')
    (tmp_path / "map.h").write_text(registers_c(plan, "FACES"))
    body = "\n".join(lines)
    (tmp_path / "map.cpp").write_text(
        f'#include "map.h"\n#include "map.h"\n#include <stdio.h>\nint main() {{ {body} return 0; }}\n'
    )
    compiler = os.environ.get("CXX", "c++")
    subprocess.run([compiler, "-Wall", "-Werror", "-o", "map", "map.cpp"], cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "map"], capture_output=True, text=True, check=True).stdout
    assert [[int(word) for word in line.split()] for line in said.splitlines()] == wanted
    macros = re.findall(r"^#define (\w+)", registers_c(plan, "FACES"), re.MULTILINE)
    assert len(set(macros)) == len(macros)


def test_svd_is_read_back_as_the_map(plan, tmp_path):
    (tmp_path / "map.svd").write_text(registers_svd(plan, "faces", "1.0"))
    (peripheral,) = SVDParser.for_xml_file(str(tmp_path / "map.svd")).get_device().peripherals
    assert peripheral.address_blocks[0].size == 1 << ADDRESS_BITS
    accesses = {"read-only": "ro", "read-write": "rw", "write-only": "wo"}
    found = []
    for register in peripheral.registers:
        for field in register.fields:
            mask = ((1 << field.bit_width) - 1) << field.bit_offset
            known = register.reset_mask & mask == mask
            access = accesses[field.access.value]
            if field.modified_write_values is not None:
                assert field.modified_write_values.value == "oneToClear"
                access = "w1c"
            found.append(
                (
                    register.name,
                    register.address_offset,
                    field.name,
                    field.bit_offset,
                    field.bit_width,
                    access,
                    (register.reset_value & mask) >> field.bit_offset if known else None,
                )
            )
    assert found == flat(plan)


PORTS = [
    ("clk", "in", 1),
    ("s_axil_awvalid", "in", 1),
    ("s_axil_awaddr", "in", 12),
    ("m_axis_tdata", "out", 16),
    ("m_axis_tvalid", "out", 1),
]


def test_ip_xact_is_read_back_as_the_map_and_ports(plan):
    root = ET.fromstring(component_xml(plan, "faces_axilite", "1.0", PORTS))
    ns = {"x": SPACE}

    def text(element, tag):
        found = element.find(f"x:{tag}", ns)
        return None if found is None else found.text

    accesses = {"read-only": "ro", "read-write": "rw", "write-only": "wo"}
    found = []
    for register in root.iterfind(".//x:register", ns):
        for field in register.iterfind("x:field", ns):
            once = text(field, "modifiedWriteValue") == "oneToClear"
            value = text(field, "resets/x:reset/x:value")
            found.append(
                (
                    text(register, "name"),
                    int(text(register, "addressOffset").removeprefix("'h"), 16),
                    text(field, "name"),
                    int(text(field, "bitOffset")),
                    int(text(field, "bitWidth")),
                    "w1c" if once else accesses[text(field, "access")],
                    None if value is None else int(value.removeprefix("'h"), 16),
                )
            )
    assert found == flat(plan)
    ports = [
        (
            text(p, "name"),
            text(p, "wire/x:direction"),
            1 + int(text(p, "wire/x:vectors/x:vector/x:left") or 0),
        )
        for p in root.iterfind(".//x:port", ns)
    ]
    assert ports == PORTS
    interfaces = {text(i, "name"): i for i in root.iterfind(".//x:busInterface", ns)}
    assert list(interfaces) == ["s_axil", "m_axis"]
    assert interfaces["s_axil"].find("x:slave/x:memoryMapRef", ns).get("memoryMapRef") == "registers"
    logical = [text(pair, "logicalPort/x:name") for pair in interfaces["m_axis"].iterfind(".//x:portMap", ns)]
    assert logical == ["TDATA", "TVALID"] and interfaces["m_axis"].find("x:master", ns) is not None


class Cells(HTMLParser):
    """Headings and rows of a page."""

    def __init__(self):
        super().__init__()
        self.rows, self.text = [], ""

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        if tag in ("td", "h2"):
            self.text = ""
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        if tag == "h2":
            self.rows.append(self.text)
        if tag == "td":
            self.rows[-1].append(self.text)


def test_the_page_shows_the_map(plan):
    page = Cells()
    page.feed(registers_html(plan, "faces"))
    found, register = [], ""
    for row in page.rows:
        if isinstance(row, str):
            register = row.split()
        elif row:
            high, low = (row[0].split("..") * 2)[:2] if ".." not in row[0] else row[0].split("..")
            value = int(row[3], 16) if row[3] else None
            width = int(high) - int(low) + 1
            found.append((register[1], int(register[0], 16), row[1], int(low), width, row[2], value))
    assert found == flat(plan)
