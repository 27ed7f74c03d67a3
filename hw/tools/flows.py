"""The emitted Verilog through yosys' flows for other families: what they make of it, without placing it.

No clock is claimed: only cells are counted. A flow is stopped before what no RAM of the family holds becomes
flip-flops and tables, so that these memories are known.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .process import run_tool
from .toolchain import Tool


@dataclasses.dataclass(frozen=True)
class Flow:
    """One of yosys' synthesis commands, and what its cells are.

    `counted` gives, for `luts`, `flipflops`, `ram_blocks`, `lut_rams` and `dsp`, pattern of a cell's name ->
    how many of them it takes; `ram_block` names what blocks of RAM are counted in.
    """

    name: str
    title: str
    command: str
    ram_block: str
    counted: Mapping[str, Mapping[str, float]]


FLOWS: dict[str, Flow] = {
    flow.name: flow
    for flow in (
        Flow(
            "xilinx",
            "AMD Xilinx 7 series",
            "synth_xilinx -family xc7 -flatten -noiopad",
            "BRAM36",
            {
                "luts": {"LUT[1-6]": 1, "RAM(32|64)M": 4, "RAM(32|64)X1D": 2, "RAM128X1D": 4, "SRL.*": 1},
                "flipflops": {"FD.E.*": 1},
                "ram_blocks": {"RAMB36E1": 1, "RAMB18E1": 0.5},
                "lut_rams": {"RAM(32|64|128)[MX].*": 1},
                "dsp": {"DSP48E1": 1},
            },
        ),
        Flow(
            "gowin",
            "Gowin GW2A",
            "synth_gowin -family gw2a -noiopads",
            "BSRAM",
            {
                "luts": {"LUT[1-4]": 1, "ALU": 1, "RAM16SDP4": 8},
                "flipflops": {"DFF.*": 1},
                "ram_blocks": {"(SP|SDP|DP|pROM)(B|X9|X9B)?": 1},
                "lut_rams": {"RAM16SDP.": 1},
                "dsp": {"MULT.*": 1},
            },
        ),
        Flow(
            "gatemate",
            "Cologne Chip GateMate",
            "synth_gatemate -noiopad",
            "BRAM 20K",
            {
                "luts": {"CC_LUT[1-4]": 1, "CC_L2T[45]": 1, "CC_ADDF": 1, "CC_MX.": 1},
                "flipflops": {"CC_DFF": 1},
                "ram_blocks": {"CC_BRAM_20K": 1, "CC_BRAM_40K": 2},
                "lut_rams": {},
                "dsp": {"CC_MULT": 1},
            },
        ),
        Flow(
            "intel_alm",
            "Altera Cyclone V",
            "synth_intel_alm -family cyclonev -noiopad",
            "M10K",
            {
                "luts": {"MISTRAL_ALUT.*": 1, "MISTRAL_NOT": 1},
                "flipflops": {"MISTRAL_FF": 1},
                "ram_blocks": {"MISTRAL_M10K": 1},
                "lut_rams": {"MISTRAL_MLAB": 1},
                "dsp": {"MISTRAL_MUL.*": 1},
            },
        ),
    )
}
# In all four commands: from here on memories that no RAM took become flip-flops and tables.
_LEFT_OVER = "map_ffram"


def script(flow: Flow, verilog: str, top: str) -> str:
    """The yosys script; it runs in the folder of `verilog`, where its memory images are."""
    return "\n".join(
        [
            f"read_verilog {verilog}",
            f"{flow.command} -top {top} -run begin:{_LEFT_OVER}",
            "select t:$mem_v2",
            f"write_json -selected {flow.name}.memories.json",
            "select -clear",
            f"{flow.command} -top {top} -run {_LEFT_OVER}:",
            f"tee -q -o {flow.name}.cells.json stat -json",
            "",
        ]
    )


def through(yosys: Tool, flow: Flow, folder: Path, verilog: str, top: str) -> dict[str, Any]:
    """What the flow makes of module `top` of a file in `folder`, where it leaves its log.

    `luts`, `flipflops`, `ram_blocks` (in units of the flow's `ram_block`), `lut_rams`, `dsp`; `in_registers`
    and `in_tables`: memories that are written, and that are only read, which no RAM took, name -> bits.
    Raises TwinspikeError if yosys refuses the design.
    """
    (folder / f"{flow.name}.ys").write_text(script(flow, verilog, top))
    run_tool(yosys, ["-s", f"{flow.name}.ys"], folder, folder / f"{flow.name}.log")
    cells = json.loads((folder / f"{flow.name}.cells.json").read_text())["design"]["num_cells_by_type"]
    left = json.loads((folder / f"{flow.name}.memories.json").read_text())
    return count(flow, cells) | left_over(left)


def count(flow: Flow, cells: Mapping[str, int]) -> dict[str, float]:
    """What cells, type -> count, take of each resource."""
    return {
        what: sum(
            weight * number
            for pattern, weight in kinds.items()
            for cell, number in cells.items()
            if re.fullmatch(pattern, cell)
        )
        for what, kinds in flow.counted.items()
    }


def left_over(design: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The memories of a design in yosys' JSON: `in_registers` and `in_tables`, name -> bits."""
    found: dict[str, dict[str, int]] = {"in_registers": {}, "in_tables": {}}
    for module in design["modules"].values():
        for cell in module.get("cells", {}).values():
            if cell["type"] != "$mem_v2":
                continue
            number = {key: int(cell["parameters"][key], 2) for key in ("SIZE", "WIDTH", "WR_PORTS")}
            where = "in_registers" if number["WR_PORTS"] else "in_tables"
            name = cell["parameters"]["MEMID"].removeprefix("\\")
            found[where][name] = number["SIZE"] * number["WIDTH"]
    return found
