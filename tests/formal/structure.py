"""No input of a core reaches an output without a register between: seen in the netlist's cones."""

import dataclasses
import functools
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable
from support.conv_cores import conv_network
from support.networks import random_network

from formal.mutation import Mutant
from formal.proof import Verdict, hardware, tools
from twinspike.config import load_config
from twinspike.flow.folders import pretrained
from twinspike.hw.bus.top import BusTop
from twinspike.hw.core import Core
from twinspike.hw.plan import CorePlan, make_plan
from twinspike.hw.wide.core import WideCore
from twinspike.numerics.encodings import Latency
from twinspike.quant.network_file import load_network

# Cells whose outputs change at a clock's edge only.
CLOCKED = ("$dff", "$sdff", "$dffe", "$sdffe", "$sdffce", "$adff", "$aldff", "SB_SPRAM256KA")


@dataclasses.dataclass(frozen=True)
class Structure:
    """The property of one core; a broken variant must have such a path."""

    family: str
    property: str
    core: Callable[[], Elaboratable]
    mutants: tuple[Mutant, ...]
    bound: str = "all runs"
    engine: str = "cones"
    apart: str = ""  # an output that its bus asks to follow an input at once

    def prove(self, folder: Path, mutant: Mutant | None = None) -> Verdict:
        folder.mkdir(parents=True, exist_ok=True)
        with hardware(mutant):
            (folder / "top.il").write_text(rtlil.convert(self.core(), name="top", emit_src=False))
        (folder / "top.ys").write_text(
            "read_rtlil top.il\nhierarchy -top top\nproc\nflatten\nopt_clean\nwrite_json top.json\n"
        )
        command = [str(tools(folder / "bin") / "yosys"), "-ql", "yosys.log", "top.ys"]
        started = subprocess.Popen(command, cwd=folder)
        _, status, used = os.wait4(started.pid, 0)
        seconds = used.ru_utime + used.ru_stime
        if status:
            return Verdict("ERROR", seconds, (folder / "yosys.log").read_text())
        module = json.loads((folder / "top.json").read_text())["modules"]["top"]
        paths = sorted({path for path in combinational_paths(module) if path[1] != self.apart})
        return Verdict("FAIL" if paths else "PASS", seconds, "\n".join(f"{a} -> {b}" for a, b in paths))


def combinational_paths(module: dict) -> Iterator[tuple[str, str]]:
    """(input, output) pairs of ports with a path between them that no register cuts.

    Every other cell is taken to lead from each of its inputs to each of its outputs.
    """
    drivers = {}
    for cell in module["cells"].values():
        if cell["type"] in CLOCKED or _clocked_read(cell):
            continue
        sides = {"input": [], "output": []}
        for port, bits in cell["connections"].items():
            sides[cell["port_directions"][port]] += bits
        drivers.update({bit: sides["input"] for bit in sides["output"]})
    ports = module["ports"]
    names = {bit: name for name, p in ports.items() if p["direction"] == "input" for bit in p["bits"]}
    for name, port in ports.items():
        if port["direction"] != "output":
            continue
        todo, met = list(port["bits"]), set()
        while todo:
            bit = todo.pop()
            if isinstance(bit, str) or bit in met:  # constants are text
                continue
            met.add(bit)
            if bit in names:
                yield names[bit], name
            todo += drivers.get(bit, [])


def _clocked_read(cell: dict) -> bool:
    return cell["type"] == "$memrd_v2" and int(cell["parameters"]["CLK_ENABLE"], 2) == 1


def _shipped(name: str, target: str) -> CorePlan:
    config = load_config(name)
    network = load_network(pretrained(config) / "network.safetensors")
    return make_plan(network, config.hardware.lanes, target)


def _digits() -> CorePlan:
    """A network of the shape of the bundled configuration, with random weights."""
    config = load_config("digits")
    widths = tuple(layer.neurons for layer in config.layers)
    network = random_network(
        1,
        timesteps=config.timesteps,
        shape=(8, 8),
        widths=widths,
        classes=10,
        encoder=Latency(threshold=32),
        weight_bits=4,
        state_bits=8,
    )
    return make_plan(network, config.hardware.lanes)


def _timed() -> CorePlan:
    return dataclasses.replace(_digits(), step_timer=1000)


def _wide() -> CorePlan:
    network = random_network(2, timesteps=4, shape=(9,), widths=(6, 4), classes=3)
    return make_plan(network, events_per_clock=(4, 2))


def _wide_maps() -> CorePlan:
    network = conv_network(2, (4, 5, 1), 3, [(3, (2, 2), {}, {"weight_bits": 4, "state_bits": 8})], 4)
    return make_plan(network, events_per_clock=(1, 1))


_MUTANTS = (
    Mutant(
        "core.core",
        "self.m_axis_tvalid.eq(spikes.valid)",
        "self.m_axis_tvalid.eq(spikes.valid & self.m_axis_tready)",
    ),
    Mutant("core.core", "entry.ready & open_gate", "entry.ready & open_gate & self.m_result_tready"),
)
_TIMER_MUTANTS = (
    Mutant("core.core", "elif name in AS_THEY_COME:", "elif False:"),
    Mutant("core.step_timer", "self.timer_drop | (o.ready", "self.timer_drop | ~event | (o.ready"),
)
_WIDE_MUTANTS = (
    Mutant(
        "wide.core",
        "self.m_axis_tvalid.eq(events.valid)",
        "self.m_axis_tvalid.eq(events.valid & self.m_result_tready)",
    ),
)
_BUS_MUTANTS = (
    Mutant(
        "bus.control",
        "self.m_result_tvalid.eq(offered)",
        "self.m_result_tvalid.eq(offered & self.m_result_tready)",
    ),
    Mutant("bus.control", "core.s_axis_tready & ~soft", "core.s_axis_tready & self.m_result_tready & ~soft"),
)

PROOFS = [
    Structure(
        "structure",
        f"no combinational path from an input port to an output port ({note})",
        functools.partial(lambda make, plan: make(plan()), make, plan),
        mutants,
        apart=apart,
    )
    for make, plan, note, mutants, apart in (
        (Core, _digits, "digits", _MUTANTS, ""),
        (Core, functools.partial(_shipped, "mnist", "generic"), "mnist", _MUTANTS[:1], ""),
        (
            Core,
            functools.partial(_shipped, "mnist", "up5k"),
            "mnist on UP5K, with its load port",
            _MUTANTS[:1],
            "",
        ),
        (Core, _timed, "digits, with a step timer", (*_MUTANTS, *_TIMER_MUTANTS), ""),
        (WideCore, _wide, "four events per clock", _WIDE_MUTANTS, ""),
        (WideCore, _wide_maps, "an event in all banks at once", _WIDE_MUTANTS, ""),
        # Rule 3.50 of Wishbone B4: the acknowledgement goes with the request.
        (
            functools.partial(BusTop, bus="wishbone"),
            _digits,
            "digits, Wishbone but wb_ack_o",
            _BUS_MUTANTS,
            "wb_ack_o",
        ),
        (functools.partial(BusTop, bus="axilite"), _digits, "digits, AXI4-Lite", _BUS_MUTANTS[:1], ""),
    )
]
