"""Registers that no reset reaches keep what they hold through an edge at which nothing is defined yet."""

import re

import pytest
from support.tops import plans, write_tops

from twinspike.hw.emit.verilog import keep_unreset

RAW = r"""
module part(clk);
  reg \$1 ;
  reg [7:0] \$2 ;
  reg \$3 ;
  reg kept = 1'h1;
  reg [7:0] \part$9 = 8'h05;
  reg cleared = 1'h0;
  always @(posedge clk)
    kept <= \$1 ;
  always @(posedge clk)
    \part$9  <= \$2 ;
  always @(posedge clk)
    cleared <= \$3 ;
  always @* begin
    if (at_start ) begin end
    \$1  = kept;
    if (asked) begin
      \$1  = 1'h0;
    end
  end
  always @* begin
    if (at_start ) begin end
    \$2  = \part$9 ;
    casez (state)
      2'h1:
          \$2 [3:0] = \$7 ;
      2'h2:
          \$2  = 8'h00;
    endcase
  end
  always @* begin
    if (at_start ) begin end
    \$3  = cleared;
    if (rst) begin
      \$3  = 1'h0;
    end
  end
endmodule
"""

CLOCKED = r"""
module part(clk);
  reg \$3 ;
  reg kept = 1'h1;
  reg [7:0] \part$9 = 8'h05;
  reg cleared = 1'h0;
  always @(posedge clk)
    cleared <= \$3 ;
  always @(posedge clk) begin
    if (asked) begin
      kept <= 1'h0;
    end
  end
  always @(posedge clk) begin
    casez (state)
      2'h1:
          \part$9  [3:0] <= \$7 ;
      2'h2:
          \part$9  <= 8'h00;
    endcase
  end
  always @* begin
    if (at_start ) begin end
    \$3  = cleared;
    if (rst) begin
      \$3  = 1'h0;
    end
  end
endmodule
"""


def test_blocks_of_registers_without_reset_are_clocked_themselves():
    assert keep_unreset(RAW).replace("kept  <=", "kept <=") == CLOCKED


def test_groups_of_bits_that_are_set_at_once_are_clocked_too():
    raw = RAW.replace("\\$2 [3:0] = \\$7 ;", "{ \\$2 [7], \\$2 [3:0] } = \\$7 ;")
    assert "{ \\part$9  [7], \\part$9  [3:0] } <= \\$7 ;" in keep_unreset(raw)
    assert "\\$2 " not in keep_unreset(raw)


def test_a_next_value_that_another_block_reads_stays():
    raw = RAW.replace("endmodule", "  assign seen = \\$1 ;\nendmodule")
    assert "kept <= \\$1 ;" in keep_unreset(raw) and "\\$2 " not in keep_unreset(raw)


def unreset_by_next_value(module):
    """Registers that take at every edge what a block without a reset gives, by default their own value."""
    edges = set(re.findall(r"always @\(posedge clk\)\n    (\S+) +<= (\S+) ?;", module))
    found = []
    for block in module.split("  always @* begin\n")[1:]:
        lines = block.split("\n  end\n")[0].splitlines()
        default = re.fullmatch(r" *(\S+) += (\S+) ?;", lines[1])
        if default and (default[2], default[1]) in edges and "    if (rst) begin" not in lines:
            found.append(default[2])
    return found


def test_the_search_finds_what_is_to_be_mended():
    assert unreset_by_next_value(RAW.replace("\\part$9 = ", "\\part$9  = ")) == ["kept", "\\part$9"]


@pytest.mark.parametrize("kind", plans())
def test_no_register_without_reset_takes_an_undefined_value(kind, tmp_path):
    for top in write_tops(plans()[kind], tmp_path):
        modules = (tmp_path / f"{top}.v").read_text().split("endmodule\n")
        assert [name for module in modules for name in unreset_by_next_value(module)] == []
