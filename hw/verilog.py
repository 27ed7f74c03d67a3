"""What yosys' Verilog needs before others' simulators and linters take it as it is meant."""

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
