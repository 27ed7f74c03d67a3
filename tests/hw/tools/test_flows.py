"""yosys' flows for other families: a small core through each of them, and what is counted."""

import pytest
from support.networks import random_network

from twinspike.hw.emit.emit import TOP, write_verilog
from twinspike.hw.plan import make_plan
from twinspike.hw.tools.flows import FLOWS, count, left_over, through
from twinspike.hw.tools.toolchain import find_yosys


@pytest.fixture(scope="module")
def verilog(tmp_path_factory):
    """The Verilog of a core whose first layer's weights are 4,096 words."""
    folder = tmp_path_factory.mktemp("core")
    network = random_network(3, shape=(256,), widths=(64, 4), timesteps=3, state_bits=8)
    write_verilog(make_plan(network, (4, 2), "generic"), folder)
    return folder


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_reads_the_verilog_and_keeps_weights_in_block_ram(verilog, name):
    found = through(find_yosys(), FLOWS[name], verilog, f"{TOP}.v", TOP)
    weights = 256 * 64 * 4
    assert found["ram_blocks"] >= weights / 36_864 and found["luts"] > 100 and found["flipflops"] > 100
    # What is written and became flip-flops is small; no flip-flops or tables hold the first layer's weights.
    assert sum(found["in_registers"].values()) <= 2048
    assert sum(bits for name, bits in found["in_tables"].items() if "layer0.synapses" in name) < weights / 4


def test_cells_are_counted_in_the_family_s_units():
    cells = {
        "LUT6": 3,
        "LUT2": 1,
        "RAM32M": 2,
        "FDRE": 5,
        "FDSE": 1,
        "RAMB18E1": 3,
        "RAMB36E1": 1,
        "CARRY4": 9,
    }
    expected = {"luts": 12, "flipflops": 6, "ram_blocks": 2.5, "lut_rams": 2, "dsp": 0}
    assert count(FLOWS["xilinx"], cells) == expected
    gowin = {"SP": 1, "SPX9": 1, "SDPB": 1, "DPX9B": 1, "LUT3": 2, "MUX2_LUT5": 7}
    assert count(FLOWS["gowin"], gowin)["ram_blocks"] == 4 and count(FLOWS["gowin"], gowin)["luts"] == 2


def test_memories_that_no_ram_took():
    def memory(name, size, ports):
        parameters = {"SIZE": f"{size:b}", "WIDTH": "100", "WR_PORTS": f"{ports:b}", "MEMID": f"\\{name}"}
        return {"type": "$mem_v2", "parameters": parameters}

    cells = {"a": memory("state", 3, 1), "b": memory("table", 5, 0), "c": {"type": "$add", "parameters": {}}}
    found = left_over({"modules": {"top": {"cells": cells}, "empty": {}}})
    assert found == {"in_registers": {"state": 12}, "in_tables": {"table": 20}}
