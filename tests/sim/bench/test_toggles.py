"""Changes of bits are counted by part, each net once, without the clock."""

import pytest

from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.bench.toggles import count_toggles
from twinspike.sim.bench.waves import to_fst

VCD = """$timescale 1ns $end
$scope module bench $end
$var wire 1 ! clk $end
$scope module dut $end
$var wire 1 ! clk $end
$var wire 4 # data [3:0] $end
$var wire 1 % lone $end
$scope module layer0 $end
$var wire 1 ! clk $end
$var wire 4 # i [3:0] $end
$scope module neurons $end
$var wire 4 & v [3:0] $end
$upscope $end
$upscope $end
$scope module readout $end
$var wire 4 & v [3:0] $end
$var wire 1 ( done $end
$upscope $end
$upscope $end
$upscope $end
$enddefinitions $end
#0
0!
bxxxx #
0%
b0000 &
0(
#5
1!
b0101 #
1%
#10
0!
b1010 #
b1111 &
0%
#15
1!
1(
b1110 &
"""


def test_a_net_counts_once_for_the_first_part_that_holds_it(tmp_path):
    (tmp_path / "a.vcd").write_text(VCD)
    to_fst(tmp_path / "a.vcd", tmp_path / "a.fst")
    # data: x to 0101 sets two bits, 0101 to 1010 changes four; v: four, then one; lone up and down.
    assert count_toggles(tmp_path / "a.fst", "bench.dut") == {"layer0": 11, "top": 2, "readout": 1}


def test_what_is_not_there_is_named(tmp_path):
    (tmp_path / "a.vcd").write_text(VCD)
    to_fst(tmp_path / "a.vcd", tmp_path / "a.fst")
    with pytest.raises(TwinspikeError, match=r"there is no scope bench\.core"):
        count_toggles(tmp_path / "a.fst", "bench.core")
    with pytest.raises(TwinspikeError, match="no waves to read"):
        count_toggles(tmp_path / "none.fst", "bench.dut")
