"""What yosys' Verilog needs before others' simulators and linters take it as it is meant."""

import collections
import re

# A name in Verilog, plain or escaped (a space ends it).
IDENTIFIER = r"(?:\w+|\\\S+ )"

# Names that every Verilator since 4.0 knows: it ends at one that it does not.
_WAIVERS = """\
// What Verilator says of generated Verilog, by name:
// WIDTH: operands of unequal widths are extended as Verilog does, and that is what is meant;
// CASEINCOMPLETE: every block gives its value before `case`, which only changes it;
// UNSIGNED, CMPCONST: a comparison made for any network, with a bound that this one's numbers cannot pass;
// UNUSED: a part's output, or bits of one, that nothing here asks for;
// VARHIDDEN: a part that has the name of a signal inside it;
// DECLFILENAME: the parts of a core are modules in the core's own file.
// Registers that begin with a value, as a device's do, are PROCASSINIT to the newest with -Wall: an older one
// ends at that name, so it is for the command line.
/* verilator lint_off WIDTH */
/* verilator lint_off CASEINCOMPLETE */
/* verilator lint_off UNSIGNED */
/* verilator lint_off CMPCONST */
/* verilator lint_off UNUSED */
/* verilator lint_off VARHIDDEN */
/* verilator lint_off DECLFILENAME */
"""


def waived(text: str) -> str:
    """The text of a file under comments that keep Verilator's lint from what is meant as it stands."""
    return f"{_WAIVERS}\n{text}"


def keep_unreset(text: str) -> str:
    """Write registers that no reset reaches only where their blocks say so.

    yosys gives a register a block for its next value, which by default is the present one, and takes that
    at every edge. At time 0 a clock may rise (cocotb's does) before the block has been evaluated: the
    register is then undefined, and one without a reset stays so for ever. Here the block itself is clocked:
    where its conditions are still undefined, nothing is written.
    """
    return "endmodule\n".join(_keep_in_module(module) for module in text.split("endmodule\n"))


_EDGE = re.compile(
    rf"^  always @\(posedge (?P<clock>{IDENTIFIER})\)\n"
    rf"    (?P<register>{IDENTIFIER}) ?<= (?P<next>{IDENTIFIER});\n",
    re.MULTILINE,
)
_BLOCK = re.compile(
    r"^  always @\* begin\n    if \(\S+ \) begin end\n"
    rf"    (?P<next>{IDENTIFIER}) ?= (?P<register>{IDENTIFIER});\n"
    r"(?P<body>(?:    .*\n)*)  end\n",
    re.MULTILINE,
)
_DECLARED = re.compile(rf"^  reg (?:\[\d+:0\] )?(?P<name>{IDENTIFIER});\n", re.MULTILINE)
_RESET = re.compile(r"^    if \((?:rst|\\rst\S* )\) begin\n(?:      .*\n)*    end\n\Z", re.MULTILINE)


def _keep_in_module(module: str) -> str:
    edges = {(found["register"], found["next"]): found for found in _EDGE.finditer(module)}
    declared = {found["name"]: found for found in _DECLARED.finditer(module)}
    uses = collections.Counter(re.findall(IDENTIFIER, module))
    cuts: list[tuple[int, int, str]] = []
    for block in _BLOCK.finditer(module):
        register, following, body = block["register"], block["next"], block["body"]
        edge = edges.get((register, following))
        # A register with a reset comes to its value by that.
        if edge is None or _RESET.search(body):
            continue
        # All of it, bits of it, or several groups of bits at once: `{ next[9], next[7:0] } = `.
        part = rf"{re.escape(following)} ?(?:\[[\d:]+\] ?)?"
        assigned = re.compile(rf"^ +(?:{part}|\{{ {part}(?:, {part})* \}} )= ", re.MULTILINE)
        targets = "".join(found[0] for found in assigned.finditer(body))
        if following not in declared or uses[following] != targets.count(following) + 3:
            continue
        name = re.compile(f"{re.escape(following)} ?")
        clocked = assigned.sub(
            lambda found, n=name, r=register: n.sub(lambda _: f"{r} ", found[0])[:-2] + "<= ", body
        )
        cuts.append((*declared[following].span(), ""))
        cuts.append((*edge.span(), ""))
        cuts.append((*block.span(), f"  always @(posedge {edge['clock']}) begin\n{clocked}  end\n"))
    for start, end, new in sorted(cuts, reverse=True):
        module = module[:start] + new + module[end:]
    return module
