"""Component declarations of a package's tops, for designs in VHDL."""

import re
from collections.abc import Mapping, Sequence

from .ports import Port

# Words of VHDL that Verilog and C do not keep for themselves too.
_KEYWORDS = """
    abs access after all architecture array attribute block body buffer bus component configuration constant
    disconnect downto elsif entity exit file generic group guarded impure in is label library linkage literal
    loop map mod new next null of on open others out port postponed procedure process pure range record
    register reject rem report rol ror select severity shared signal sla sll sra srl subtype then to transport
    unaffected units until variable when xor
"""


def components_vhdl(package: str, tops: Mapping[str, Sequence[Port]]) -> str:
    """A VHDL package with a component for each top; `tops` gives each one's ports in order."""
    lines = [
        "-- SPDX-License-Identifier: Apache-2.0",
        "library ieee;",
        "use ieee.std_logic_1164.all;",
        "",
        f"package {_name(package)} is",
    ]
    for top, ports in tops.items():
        listed = [f"      {_name(name)} : {way} {_type(bits)}" for name, way, bits in ports]
        lines += [
            "",
            f"  component {_name(top)} is",
            '    generic (MEMORIES : string := "");',
            "    port (",
            ";\n".join(listed),
            "    );",
            "  end component;",
        ]
    return "\n".join([*lines, "", "end package;"]) + "\n"


def _type(bits: int) -> str:
    return "std_logic" if bits == 1 else f"std_logic_vector({bits - 1} downto 0)"


def _name(name: str) -> str:
    """The name, as an extended identifier where VHDL takes it for no other."""
    plain = not re.search("__|_$", name) and name.lower() not in _KEYWORDS.split()
    return name if plain else f"\\{name}\\"
