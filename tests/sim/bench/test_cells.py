"""Our models of ECP5's black boxes: memories and products mapped to them behave as their RTL does."""

import subprocess

import numpy as np
import pytest

from twinspike.hw.tools.process import run_tool
from twinspike.hw.tools.toolchain import find_verilator, find_yosys
from twinspike.sim.bench.cells import cell_models
from twinspike.sim.bench.verilator import program

# Every width of the block RAM; 36 is its mode of one writer and one reader.
WIDTHS = (1, 2, 4, 9, 18, 36)
MEMORY = """
module memory_{w} (input clk, we, input [{a}:0] wa, ra, input [{b}:0] d, output reg [{b}:0] q);
    (* ram_style = "block" *) reg [{b}:0] words [0:{top}];
    initial $readmemb("words_{w}.mem", words);
    always @(posedge clk) begin
        if (we) words[wa] <= d;
        q <= words[ra];
    end
endmodule
"""
UNIT = """
module unit (input clk, we, input [13:0] wa, ra, input [35:0] d, output [{bits}:0] q, output [71:0] p);
    wire signed [17:0] x = d[17:0], y = d[35:18];
    wire signed [35:0] product = x * y;
    assign p = {{d[35:18] * d[17:0], product}};
{parts}
endmodule
"""
PART = "    memory_{w} m{w} (clk, we, wa[{a}:0], ra[{a}:0], d[{b}:0], q[{offset} +: {w}]);\n"
TOP = """
module top;
    reg clk = 0;
    always #5 clk = ~clk;
    reg [63:0] x = 64'h123456789abcdef1;
    integer n = 0, wrong = 0, reads = 0;
    wire [13:0] wa = x[13:0], ra = n % 7 == 0 ? x[13:0] + 1 : x[27:14];
    wire [{bits}:0] rtl, cells;
    wire [71:0] p, cell_p;
    unit one (clk, x[40], wa, ra, x[63:28], rtl, p);
    cell_unit two (clk, x[40], wa, ra, x[63:28], cells, cell_p);
    always @(posedge clk) begin
        x <= {{x[62:0], x[63] ^ x[62] ^ x[60] ^ x[59]}} ^ (x << 17);
        n <= n + 1;
        if (n > 1) begin
            reads = reads + 1;
            if (rtl != cells || p != cell_p) wrong = wrong + 1;
        end
        if (n == 60000) begin $display("wrong %0d of %0d", wrong, reads); $finish; end
    end
endmodule
"""


def sizes(w):
    """Address and data bits of a memory of one block in words of w bits."""
    a = {1: 14, 2: 13, 4: 12, 9: 11, 18: 10, 36: 9}[w]
    offset = sum(WIDTHS[: WIDTHS.index(w)])
    return {"w": w, "a": a - 1, "b": w - 1, "top": (1 << a) - 1, "offset": offset}


@pytest.fixture(scope="module")
def simulation(tmp_path_factory):
    folder, yosys, verilator = tmp_path_factory.mktemp("cells"), find_yosys(), find_verilator()
    memories, parts = ("".join(text.format(**sizes(w)) for w in WIDTHS) for text in (MEMORY, PART))
    rng = np.random.default_rng(1)
    for w in WIDTHS:
        rows = rng.integers(0, 2, (sizes(w)["top"] + 1, w))
        (folder / f"words_{w}.mem").write_text("".join("".join(map(str, row)) + "\n" for row in rows))
    bits = sum(WIDTHS) - 1
    (folder / "rtl.v").write_text(memories + UNIT.format(bits=bits, parts=parts))
    (folder / "synth.ys").write_text(
        "read_verilog rtl.v\nsynth_ecp5 -top unit\nrename unit cell_unit\nwrite_verilog -noattr cells.v\n"
    )
    run_tool(yosys, ["-s", "synth.ys"], folder, folder / "synth.log")
    models, options = cell_models(yosys, "ecp5", folder)
    for name, text in models.items():
        (folder / name).write_text(text)
    (folder / "top.sv").write_text(TOP.format(bits=bits))
    flags = ["--binary", "--timing", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--top-module", "top"]
    command = [program(verilator), *flags, "--Mdir", "made", "-CFLAGS", "-O0", *options]
    sources = ["top.sv", "rtl.v", "cells.v", *models]
    subprocess.run([*command, *sources], cwd=folder, env=verilator.env(), check=True, capture_output=True)
    said = subprocess.run([folder / "made" / "Vtop"], cwd=folder, capture_output=True, text=True, check=True)
    return (folder / "cells.v").read_text(), said.stdout


def test_memories_and_products_are_mapped_to_the_cells(simulation):
    netlist, _ = simulation
    assert netlist.count("DP16KD #(") == len(WIDTHS) and netlist.count("MULT18X18D ") == 2
    assert "TRELLIS_DPR16X4" not in netlist


def test_they_behave_as_the_rtl(simulation):
    _, said = simulation
    assert "wrong 0 of 59999" in said
