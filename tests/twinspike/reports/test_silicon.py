"""Area by block and the critical path, from what the tools leave."""

import json

from support.placed import NETLIST, TIMING

from twinspike.reports.silicon import Block, Hop, blocks, critical_path


def test_cells_are_counted_by_the_block_that_they_lie_in(tmp_path):
    (tmp_path / "netlist.json").write_text(json.dumps(NETLIST))
    assert blocks(tmp_path / "netlist.json") == [
        Block("layer0", luts=5, flip_flops=3, memories=1),
        Block("readout", luts=1, flip_flops=1, memories=0),
        Block("core", luts=1, flip_flops=0, memories=0),
        Block("at the pins", luts=0, flip_flops=1, memories=0),
    ]


def test_the_slowest_path_between_registers_is_told_by_signals(tmp_path):
    (tmp_path / "seed1.json").write_text(json.dumps(TIMING))
    assert critical_path(tmp_path / "seed1.json") == [
        Hop("readout", "index", "clk-to-q", 0.5, 0.5),
        Hop("readout", "index[0]", "routing", 1.5, 2.0),
        Hop("layer0", "neurons.sum", "logic", 0.4, 2.4),
        Hop("layer0", "neurons.unnamed", "setup", 0.1, 2.5),
    ]


def test_what_is_not_there_or_torn_is_left_out(tmp_path):
    assert blocks(tmp_path / "netlist.json") == [] and critical_path(tmp_path / "seed1.json") == []
    for text in ("{", "[]", '{"modules": {}}', '{"critical_paths": [{}]}'):
        (tmp_path / "torn.json").write_text(text)
        assert blocks(tmp_path / "torn.json") == [] and critical_path(tmp_path / "torn.json") == []
