"""Modules as an engineer reads them: ports in order, a comment, plain names; and the same hardware."""

import re

import pytest
from support.networks import random_network

from twinspike.hw.core.signature import core_members
from twinspike.hw.emit.describe import Part
from twinspike.hw.emit.emit import write_bus_verilog, write_verilog
from twinspike.hw.emit.modules import plain_identifiers, readable
from twinspike.hw.emit.names import KEYWORDS
from twinspike.hw.plan import make_plan
from twinspike.hw.tools.process import run_tool
from twinspike.hw.tools.toolchain import find_yosys
from twinspike.numerics.errors import TwinspikeError

RAW = r"""module part(\i__data$3 , q, clk);
  input [3:0] \i__data$3 ;
  wire [3:0] \i__data$3 ;
  output q;
  reg q = 1'h0;
  input clk;
  wire clk;
  reg \$1 ;
  wire \kept.one ;
  wire \table ;
  always @(posedge clk)
    q <= \$1 ;
  always @* begin
    \$1  = \kept.one ;
  end
  leaf inside_of (
    .clk(clk)
  );
endmodule
module leaf(clk);
  input clk;
  wire clk;
  generate if (MEMORIES == "") initial $readmemb("x.mem", m);
endmodule
"""

WRITTEN = r"""// Part. What it does.
//
// How long it takes.
module part #(
  // folder of the .mem files, with a slash at its end; empty: where the tool looks
  parameter MEMORIES = ""
) (
  input  wire clk,
  output reg  q = 1'h0,
  input  wire [3:0] i__data_3
);
  reg q_next;
  wire kept__one;
  wire \table ;
  always @(posedge clk)
    q <= q_next;
  always @* begin
    q_next = kept__one;
  end
  leaf #(.MEMORIES(MEMORIES)) inside_of (
    .clk(clk)
  );
endmodule
"""


def test_a_module_is_written_with_its_comment_and_ports_in_order():
    part = Part(("q", "i__data"), "Part. What it does.\n\nHow long it takes.")
    found = readable(RAW, {"part": part}, "top").replace("  = ", " = ").replace("inside_of  (", "inside_of (")
    assert re.sub(r"(?<=\w) +(?=[;:])", "", found.split("module leaf")[0]) == WRITTEN.replace(
        r"\table ;", r"\table;"
    )


def test_plain_names_clash_with_none_and_keywords_stay():
    assert plain_identifiers("wire a__b, t1; wire \\a.b , \\$1 , \\begin , \\x$2 ;") == (
        "wire a__b, t1; wire a__b_, t1_, \\begin , x_2;"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("readable")
    plan = make_plan(random_network(3), (2, 3))
    write_verilog(plan, out)
    write_bus_verilog(plan, "wishbone", out)
    return plan, out


def test_ports_stand_in_the_order_of_the_data_sheet(folder):
    plan, out = folder
    header = re.search(r"^module twinspike_core .*?^\);", (out / "twinspike_core.v").read_text(), re.M | re.S)
    ports = re.findall(r"^  (?:input|output) +(?:wire|reg) +(?:\[.*?\] )?(\w+)", header[0], re.MULTILINE)
    assert ports == ["clk", "rst", *core_members(plan)]


def test_every_module_says_what_it_is_and_no_header_is_of_the_old_form(folder):
    for path in folder[1].glob("*.v"):
        text = path.read_text()
        modules = re.findall(r"^module (\w+)", text, re.MULTILINE)
        commented = re.findall(r"^// [^\n]+\nmodule (\w+)", text, re.MULTILINE)
        assert modules == commented, path
        assert not re.search(r"^  (input|output) [^,\n]*;", text, re.MULTILINE)
        assert set(re.findall(r"\\(\S+)", text)) <= set(KEYWORDS)


@pytest.mark.parametrize("top", ["twinspike_core", "twinspike_wishbone"])
def test_yosys_reads_the_images_from_the_folder_that_the_parameter_says(folder, tmp_path, top):
    def read(memories):
        files = " ".join(f"{folder[1]}/{name}.v" for name in ("twinspike_core", "twinspike_wishbone"))
        (tmp_path / "top.v").write_text(f'module top; {top} #(.MEMORIES("{memories}")) core(); endmodule')
        (tmp_path / "read.ys").write_text(f"read_verilog -defer {files} top.v\nhierarchy -top top\nproc\n")
        run_tool(find_yosys(), ["-s", "read.ys"], tmp_path, tmp_path / "read.log")

    read(f"{folder[1]}/")
    with pytest.raises(TwinspikeError):
        read("nowhere/")
