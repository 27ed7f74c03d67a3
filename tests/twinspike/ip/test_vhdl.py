"""The VHDL of a package: a component for each top with its ports, which GHDL analyses."""

import re
import subprocess

import pytest
from support.networks import random_network
from support.optional import needs

from twinspike.hw.emit.names import Names
from twinspike.hw.plan import make_plan
from twinspike.ip.ports import top_ports
from twinspike.ip.vhdl import components_vhdl


@pytest.fixture(scope="module")
def tops():
    plan = make_plan(random_network(), (2, 3), slots=5, step_timer=1000)
    return top_ports(plan, ["wishbone", "axilite"], Names("faces"))


def test_components_have_the_ports_of_their_tops(tops):
    text = components_vhdl("faces_components", tops)
    parts = re.findall(r"component (\w+) is(.*?)end component;", text, re.DOTALL)
    assert [name for name, _ in parts] == ["faces", "faces_wishbone", "faces_axilite"]
    for name, part in parts:
        listed = re.findall(
            r"^      (\w+) : (in|out) std_logic(?:_vector\((\d+) downto 0\))?", part, re.MULTILINE
        )
        assert [(port, way, int(high or 0) + 1) for port, way, high in listed] == tops[name]


def test_names_that_vhdl_keeps_for_itself_are_extended():
    text = components_vhdl("p", {"entity": [("clk", "in", 1)], "a__b": [("clk", "in", 1)]})
    assert "component \\entity\\ is" in text and "component \\a__b\\ is" in text


@needs("ghdl")
def test_ghdl_takes_the_components_and_an_instance(tops, tmp_path):
    (tmp_path / "components.vhd").write_text(components_vhdl("faces_components", tops))
    signals = instances = ""
    for top, ports in tops.items():
        maps = ["clk => clk", "rst => clk"]
        for name, way, bits in ports[2:]:
            kind = f"std_logic_vector({bits - 1} downto 0)" if bits > 1 else "std_logic"
            signals += f"signal {top}_{name} : {kind};\n" if way == "in" else ""
            maps.append(f"{name} => {f'{top}_{name}' if way == 'in' else 'open'}")
        instances += f'i_{top} : {top} generic map (MEMORIES => "rtl/") port map ({", ".join(maps)});\n'
    (tmp_path / "top.vhd").write_text(
        "library ieee; use ieee.std_logic_1164.all; use work.faces_components.all;\n"
        f"entity top is port (clk : in std_logic); end entity;\narchitecture a of top is\n{signals}begin\n"
        f"{instances}end architecture;\n"
    )
    for file in ("components.vhd", "top.vhd"):
        done = subprocess.run(
            ["ghdl", "-a", "--std=93", file], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
