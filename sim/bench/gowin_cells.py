"""Behaviour of Gowin's block RAMs, which are black boxes to yosys.

As Gowin's guide to its block RAMs (UG285) has it, as far as synthesised cores use them: without the output
register. A word that is read while the other port writes it is undefined in silicon: here it comes out
inverted.
"""

import re
from functools import partial
from pathlib import Path

from ...numerics.errors import TwinspikeError

# Kind of cell -> bits of a unit, of which 2,048 make a block.
_SINGLE, _DUAL = {"SP": 8, "SPX9": 9}, {"SDPB": 8, "SDPX9B": 9}


def gowin_models(library: Path) -> str:
    """Verilog of all cells that cores are mapped to; raises TwinspikeError if yosys names them otherwise."""
    text = (library / "cells_sim.v").read_text()
    boxes = (library / "cells_xtra_gw1n.v").read_text()
    for name in _DUAL:
        box = re.search(rf"^module {name}\(.*?^endmodule", boxes, re.M | re.S)
        if not box:
            raise TwinspikeError(f"{library}: this yosys has no {name}: another version is needed")
        text += f"\n{box[0]}\n"
    for name, unit in {**_SINGLE, **_DUAL}.items():
        behaviour = _memory(unit) + (_one_port(unit) if name in _SINGLE else _two_ports(unit))
        text, found = re.subn(
            rf"(^module {name} ?\(.*?)^endmodule", partial(_with_body, behaviour), text, flags=re.M | re.S
        )
        if found != 1:
            raise TwinspikeError(f"{library}: this yosys has no {name}: another version is needed")
    return text


def _with_body(behaviour: str, module: re.Match[str]) -> str:
    return module[1] + behaviour + "endmodule"


def _memory(unit: int) -> str:
    """The words, and how they are read and written; a word of 2 or 4 units has an enable for each."""
    inits = ", ".join(f"INIT_RAM_{i:02X}" for i in reversed(range(64)))
    whole = 4 * unit
    return f"""
    reg [{unit - 1}:0] unit [0:2047];
    wire [{2048 * unit - 1}:0] inits = {{{inits}}};
    reg [{whole - 1}:0] out = 0;
    assign DO = out;
    integer i;
    initial for (i = 0; i < 2048; i = i + 1) unit[i] = inits[{unit} * i +: {unit}];
    initial if (READ_MODE != 0) $fatal(1, "this model has no output register");

    function [{whole - 1}:0] word(input integer width, input [13:0] at);
        case (width)
            {whole}: word = {{unit[{{at[13:5], 2'd3}}], unit[{{at[13:5], 2'd2}}], unit[{{at[13:5], 2'd1}}],
                         unit[{{at[13:5], 2'd0}}]}};
            {2 * unit}: word = {{{2 * unit}'b0, unit[{{at[13:4], 1'b1}}], unit[{{at[13:4], 1'b0}}]}};
            {unit}: word = {{{3 * unit}'b0, unit[at[13:3]]}};
            4: word = {{{whole - 4}'b0, unit[at[13:3]][4 * at[2] +: 4]}};
            2: word = {{{whole - 2}'b0, unit[at[13:3]][2 * at[2:1] +: 2]}};
            default: word = {{{whole - 1}'b0, unit[at[13:3]][at[2:0]]}};
        endcase
    endfunction
"""


def _write(unit: int, width: str, address: str) -> str:
    return f"""case ({width})
            {4 * unit}: for (i = 0; i < 4; i = i + 1)
                if ({address}[i]) unit[{{{address}[13:5], i[1:0]}}] <= DI[{unit} * i +: {unit}];
            {2 * unit}: for (i = 0; i < 2; i = i + 1)
                if ({address}[i]) unit[{{{address}[13:4], i[0]}}] <= DI[{unit} * i +: {unit}];
            {unit}: unit[{address}[13:3]] <= DI[{unit - 1}:0];
            4: unit[{address}[13:3]][4 * {address}[2] +: 4] <= DI[3:0];
            2: unit[{address}[13:3]][2 * {address}[2:1] +: 2] <= DI[1:0];
            default: unit[{address}[13:3]][{address}[2:0]] <= DI[0];
        endcase"""


def _one_port(unit: int) -> str:
    return f"""
    wire enabled = CE && BLKSEL == BLK_SEL;
    always @(posedge CLK) begin
        if (enabled && (!WRE || WRITE_MODE != 0))
            out <= WRE && WRITE_MODE == 1 ? DI : word(BIT_WIDTH, AD);
        if (RESET) out <= 0;
        if (enabled && WRE) {_write(unit, "BIT_WIDTH", "AD")}
    end
"""


def _two_ports(unit: int) -> str:
    return f"""
    localparam WIDEST = BIT_WIDTH_0 > BIT_WIDTH_1 ? BIT_WIDTH_0 : BIT_WIDTH_1;
    localparam INSIDE = WIDEST == {4 * unit} ? 5 : WIDEST == {2 * unit} ? 4
        : WIDEST == {unit} ? 3 : WIDEST / 2;
    wire written = CEA && BLKSELA == BLK_SEL_0;
    // Two words overlap if their addresses agree above the bits that lie inside the wider one.
    wire clash = written && ((ADA ^ ADB) >> INSIDE) == 0;
    always @(posedge CLKA) if (written) {_write(unit, "BIT_WIDTH_0", "ADA")}
    always @(posedge CLKB) begin
        if (CEB && BLKSELB == BLK_SEL_1) out <= word(BIT_WIDTH_1, ADB) ^ {{{4 * unit}{{clash}}}};
        if (RESETB) out <= 0;
    end
"""
