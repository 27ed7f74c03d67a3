"""The cores' Verilog through yosys' flows for other families; results/flows.json."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from twinspike.flow.folders import find_network, opened
from twinspike.hw.emit.emit import TOP, write_verilog
from twinspike.hw.plan import make_plan
from twinspike.hw.tools.flows import FLOWS, through
from twinspike.hw.tools.toolchain import find_yosys
from twinspike.numerics.files import replacing_folder, write_json
from twinspike.numerics.progress import Bar, say
from twinspike.quant.sizes import sizes
from twinspike.reports.peers import FAMILY

RESULT = "flows.json"
# Every flow for the smallest of them, the peers' family for the others.
CORES = {"mnist-small": tuple(FLOWS), "mnist-fast": (FAMILY,), "mnist": (FAMILY,)}


def measure(configs: list[str], out: str, results: Path) -> dict[str, Any]:
    """Make the rows of `configs` and write results/flows.json after each flow; returns its content.

    A core is that of its configuration's lanes, for no device in particular. Raises TwinspikeError if yosys
    refuses one.
    """
    path, yosys = results / RESULT, find_yosys()
    table = json.loads(path.read_text()) if path.is_file() else {"rows": []}
    waiting = [(name, flow) for name in configs for flow in CORES[name]]
    for name, flow in Bar(waiting, desc="flows", unit="flow"):
        config, place = opened(name, out)
        plan = make_plan(find_network(place, config), config.hardware.lanes, "generic")
        with replacing_folder(place.build / "flows" / flow) as folder:
            write_verilog(plan, folder)
            found = through(yosys, FLOWS[flow], folder, f"{TOP}.v", TOP)
        row = {
            "config": name,
            "flow": flow,
            "network": sizes(plan.network),
            "network_hash": plan.network.content_hash,
            "lanes": [layer.lanes for layer in plan.layers],
            **found,
            "tool": str(yosys),
        }
        table["rows"] = [x for x in table["rows"] if (x["config"], x["flow"]) != (name, flow)] + [row]
        table["rows"].sort(key=lambda x: (list(CORES).index(x["config"]), list(FLOWS).index(x["flow"])))
        table["versions"] = {each: version(each) for each in ("twinspike", "amaranth")}
        write_json(path, table)
        say(summary(row))
    return table


def summary(row: dict[str, Any]) -> str:
    """One row in a line."""
    flow = FLOWS[row["flow"]]
    kept = sum(row["in_registers"].values())
    return (
        f"{row['config']}, {flow.title}: {row['luts']:,.0f} LUTs, {row['flipflops']:,.0f} flip-flops, "
        f"{row['ram_blocks']:g} {flow.ram_block}, {row['dsp']:g} DSP; {kept:,} bits of memory in flip-flops"
    )
