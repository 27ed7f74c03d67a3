"""What yosys and nextpnr leave of a small placed core, in their own forms."""


def cell(kind):
    return {"type": kind}


def hop(kind, delay, cell, net=""):
    place = {"cell": cell, "port": "O", "loc": [1, 1]}
    return {"type": kind, "delay": delay, "from": place, "to": place} | ({"net": net} if net else {})


NETLIST = {
    "modules": {
        "SB_LUT4": {"attributes": {"blackbox": "1"}, "cells": {}},
        "harness": {
            "attributes": {"top": "00000000000000000000000000000001"},
            "cells": {
                "core": cell("$scopeinfo"),
                "core.layer0": cell("$scopeinfo"),
                "core.readout": cell("$scopeinfo"),
                **{f"core.layer0.sum_SB_LUT4_O_{i}": cell("SB_LUT4") for i in range(5)},
                **{f"core.layer0.neurons.sum_SB_DFF_Q_{i}": cell("SB_DFFE") for i in range(3)},
                "core.layer0.weights.0.0": cell("SB_RAM40_4K"),
                "core.readout.best_SB_LUT4_O": cell("SB_LUT4"),
                "core.readout.best_SB_DFF_Q": cell("SB_DFF"),
                "core.flags_SB_LUT4_O": cell("SB_LUT4"),
                "m_axis_register_SB_DFF_Q": cell("SB_DFF"),
            },
        },
    }
}

TIMING = {
    "fmax": {"clk": {"achieved": 40.0, "constraint": 12.0}},
    "utilization": {},
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": [hop("routing", 99.0, "rst_SB_LUT4_O_LC")]},
        {
            "from": "posedge clk",
            "to": "posedge clk",
            "path": [
                hop("clk-to-q", 0.5, "core.readout.index_SB_DFFESR_Q_3_D_SB_LUT4_O_LC"),
                hop(
                    "routing", 1.5, "core.readout.index_SB_DFFESR_Q_3_D_SB_LUT4_O_LC", "core.readout.index[0]"
                ),
                hop("logic", 0.4, "core.layer0.neurons.sum_SB_LUT4_O_1_LC"),
                hop("setup", 0.1, "core.layer0.neurons.$signal_SB_LUT4_O_LC"),
            ],
        },
        {"from": "posedge clk", "to": "posedge clk", "path": [hop("clk-to-q", 0.5, "core.fork.x")]},
    ],
}
