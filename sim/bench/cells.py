"""Verilog models of a device's cells, for the simulation of netlists: yosys's, completed where it has none.

ECP5's block RAM and multiplier are black boxes to yosys. Their behaviour here is that of Lattice's memory and
sysDSP usage guides (FPGA-TN-02204, FPGA-TN-02205), as far as synthesised cores use them.
"""

import re
from functools import partial
from pathlib import Path

from ...hw.tools.process import run_tool
from ...hw.tools.toolchain import Tool
from ...numerics.errors import TwinspikeError
from ...numerics.extras import remedy
from .gowin_cells import gowin_models


def cell_models(yosys: Tool, architecture: str, folder: Path) -> tuple[dict[str, str], list[str]]:
    """(file name -> Verilog, options for the simulator) for "ice40", "ecp5" or "gowin"; works in `folder`."""
    library = _library(yosys, architecture, folder)
    if architecture == "gowin":
        return {"models.v": gowin_models(library)}, []
    text = (library / "cells_sim.v").read_text()
    if architecture == "ice40":
        return {"models.v": text}, ["-DNO_ICE40_DEFAULT_ASSIGNMENTS"]
    box = re.search(r"^module MULT18X18D\(.*?^endmodule", (library / "cells_bb.v").read_text(), re.M | re.S)
    if not box:
        raise TwinspikeError(f"{library}: yosys {yosys.version} has no MULT18X18D: another version is needed")
    text = text + "\n" + box[0] + "\n"
    for cell, behaviour in (("DP16KD", _block_ram()), ("MULT18X18D", _multiplier())):
        text = re.sub(
            rf"(^module {cell}\(.*?)^endmodule",
            partial(_with_body, behaviour),
            text,
            flags=re.M | re.S,
        )
    return {"models.v": text}, [f"-I{library}"]


def _library(yosys: Tool, architecture: str, folder: Path) -> Path:
    """Folder of the models that come with yosys; it says itself where it reads them from."""
    (folder / "cells.ys").write_text(f"read_verilog -lib +/{architecture}/cells_sim.v\n")
    run_tool(yosys, ["-s", "cells.ys"], folder, folder / "cells.log")
    found = re.search(r"Parsing Verilog input from `(.+?)'", (folder / "cells.log").read_text())
    library = Path(found[1]).parent if found else Path()
    if not (library / "cells_sim.v").is_file():
        raise TwinspikeError(f"{yosys} keeps its cell models out of reach: {remedy('hw')}, or set YOSYS")
    return library


def _bus(name: str, width: int) -> str:
    return "{" + ", ".join(f"{name}{i}" for i in reversed(range(width))) + "}"


def _with_body(behaviour: str, module: re.Match[str]) -> str:
    return module[1] + behaviour + "endmodule"


def _block_ram() -> str:
    """DP16KD: 2,048 units of 9 bits; narrower words than 9 leave every ninth bit unused.

    In the 36-bit mode port A writes the data inputs of both ports and port B reads to both outputs. A
    word read while the other port writes it is undefined in silicon: here it comes out inverted.
    """
    outputs = "\n".join(
        f'    assign {_bus(f"DO{port}", 18)} = REGMODE_{port} == "OUTREG" ? late_{port} : out_{port};'
        for port in "AB"
    )
    inits = ", ".join(f"INITVAL_{i:02X}" for i in reversed(range(64)))
    ports = "\n".join(_port(port, other) for port, other in ("AB", "BA"))
    return f"""
    localparam WIDE = DATA_WIDTH_A == 36 || DATA_WIDTH_B == 36;
    localparam WIDEST = DATA_WIDTH_A > DATA_WIDTH_B ? DATA_WIDTH_A : DATA_WIDTH_B;
    localparam INSIDE = WIDE ? 5 : WIDEST == 18 ? 4 : WIDEST == 9 ? 3 : WIDEST / 2;
    reg [8:0] unit [0:2047];
    wire [20479:0] inits = {{{inits}}};
    integer i;
    initial for (i = 0; i < 2048; i = i + 1) unit[i] = inits[20 * (i / 2) + 9 * (i % 2) +: 9];
    wire [35:0] in_A = {{{_bus("DIB", 18)}, {_bus("DIA", 18)}}};
    wire [35:0] in_B = {{18'b0, {_bus("DIB", 18)}}};
    reg [17:0] out_A = 0, late_A = 0, out_B = 0, late_B = 0;
{outputs}

    function [35:0] word(input integer width, input [13:0] at);
        case (width)
            36: word = {{unit[{{at[13:5], 2'd3}}], unit[{{at[13:5], 2'd2}}], unit[{{at[13:5], 2'd1}}],
                         unit[{{at[13:5], 2'd0}}]}};
            18: word = {{18'b0, unit[{{at[13:4], 1'b1}}], unit[{{at[13:4], 1'b0}}]}};
            9: word = {{27'b0, unit[at[13:3]]}};
            4: word = {{32'b0, unit[at[13:3]][4 * at[2] +: 4]}};
            2: word = {{34'b0, unit[at[13:3]][2 * at[2:1] +: 2]}};
            default: word = {{35'b0, unit[at[13:3]][at[2:0]]}};
        endcase
    endfunction
{ports}
"""


def _port(p: str, other: str) -> str:
    return f"""
    wire [13:0] at_{p} = {_bus(f"AD{p}", 14)};
    wire enabled_{p} = CE{p} && !CS{p}2 && !CS{p}1 && !CS{p}0;
    wire writes_{p} = enabled_{p} && WE{p} && !({p == "B":d} && WIDE);
    // Two words overlap if their addresses agree above the bits that lie inside the wider one.
    wire [13:0] differ_{p} = (at_{p} ^ at_{other}) >> INSIDE;
    wire [3:0] units_{p} = DATA_WIDTH_{p} == 36 ? at_{p}[3:0] : DATA_WIDTH_{p} == 18 ? at_{p}[1:0] : 1;
    wire clash_{p} = differ_{p} == 0 && writes_{other} && units_{other} != 0;
    wire [35:0] old_{p} = word(DATA_WIDTH_{p}, at_{p}) ^ {{36{{clash_{p}}}}};
    always @(posedge (CLK{p} ^ (CLK{p}MUX == "INV"))) begin
        if (OCE{p}) late_{p} <= out_{p};
        if (RST{p}) late_{p} <= 0;
        if (enabled_{p} && (!writes_{p} || WRITEMODE_{p} != "NORMAL")) begin
            if (DATA_WIDTH_{p} == 36 && {p == "B":d}) {{out_B, out_A}} <= old_{p};
            else if (!({p == "A":d} && WIDE))
                out_{p} <= writes_{p} && WRITEMODE_{p} == "WRITETHROUGH" ? in_{p}[17:0] : old_{p}[17:0];
        end
        if (RST{p}) out_{p} <= 0;
        if (writes_{p}) case (DATA_WIDTH_{p})
            36: begin
                if (at_{p}[0]) unit[{{at_{p}[13:5], 2'd0}}] <= in_{p}[8:0];
                if (at_{p}[1]) unit[{{at_{p}[13:5], 2'd1}}] <= in_{p}[17:9];
                if (at_{p}[2]) unit[{{at_{p}[13:5], 2'd2}}] <= in_{p}[26:18];
                if (at_{p}[3]) unit[{{at_{p}[13:5], 2'd3}}] <= in_{p}[35:27];
            end
            18: begin
                if (at_{p}[0]) unit[{{at_{p}[13:4], 1'b0}}] <= in_{p}[8:0];
                if (at_{p}[1]) unit[{{at_{p}[13:4], 1'b1}}] <= in_{p}[17:9];
            end
            9: unit[at_{p}[13:3]] <= in_{p}[8:0];
            4: unit[at_{p}[13:3]][4 * at_{p}[2] +: 4] <= in_{p}[3:0];
            2: unit[at_{p}[13:3]][2 * at_{p}[2:1] +: 2] <= in_{p}[1:0];
            default: unit[at_{p}[13:3]][at_{p}[2:0]] <= in_{p}[0];
        endcase
    end"""


def _multiplier() -> str:
    """MULT18X18D without its registers, which cores do not use."""
    return f"""
    wire signed [18:0] x = {{SIGNEDA & A17, {_bus("A", 18)}}}, y = {{SIGNEDB & B17, {_bus("B", 18)}}};
    wire signed [37:0] product = x * y;
    assign {_bus("P", 36)} = product[35:0];
    initial if (REG_INPUTA_CLK != "NONE" || REG_INPUTB_CLK != "NONE" || REG_PIPELINE_CLK != "NONE"
        || REG_OUTPUT_CLK != "NONE") $fatal(1, "this model of MULT18X18D has no registers");
"""
