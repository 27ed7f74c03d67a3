"""What the steps have written into a build folder, for the report to link to."""

import dataclasses
from pathlib import Path
from urllib.parse import quote

# Pattern below the build folder, and what it is.
_KNOWN = (
    ("network.safetensors", "the integer network"),
    ("metrics.json", "figures on all test images"),
    ("train.jsonl", "training log"),
    ("tensorboard", "training log for TensorBoard"),
    ("drift.md", "what an import changed, layer by layer"),
    ("rtl/twinspike_core.v", "the core in Verilog"),
    ("rtl/ports.md", "ports, event words, result record, cycles"),
    ("*/rtl/twinspike_core.v", "the core for this device"),
    ("*/rtl/ports.md", "its ports"),
    ("ip/README.md", "the IP package's data sheet"),
    ("*/ip/README.md", "the IP package's data sheet"),
    ("sim.json", "simulation, run by run"),
    ("*/sim/sim.json", "simulation of this device's core"),
    ("*/synth/synth.json", "placement and routing"),
    ("*/synth/netlist.v", "the netlist"),
    ("*/synth/yosys.log", "what yosys said"),
    ("*/synth/seed*.log", "what nextpnr said"),
    ("boards/*/board.json", "a board's bitstream"),
    ("boards/*/pins.md", "a board's pins"),
)


@dataclasses.dataclass(frozen=True)
class Link:
    """A file or folder: its address seen from build/report, its path in the build folder, what it is."""

    address: str
    path: str
    what: str


def links(build: Path) -> list[Link]:
    """Links to what there is, in the order of the steps."""
    found = []
    for pattern, what in _KNOWN:
        for path in sorted(build.glob(pattern)):
            name = path.relative_to(build).as_posix()
            found.append(Link(f"../{quote(name)}", name, what))
    return found
