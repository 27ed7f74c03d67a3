"""From a plan to files: Verilog, RTLIL, memory images and the description of the ports.

The folder is replaced as a whole, so its files always belong together.
"""

import json
import re
import shutil
from importlib import resources
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.lib.wiring import Component

from ...numerics.errors import TwinspikeError
from ...numerics.files import parse_json, replacing_folder, write_json
from ...numerics.sources import source_hash
from ...quant.sizes import sizes
from ..bus.top import BusTop
from ..cores import make_core
from ..plan import CorePlan
from ..tools.process import run_tool
from ..tools.toolchain import find_yosys
from ..weights.image import image_bytes, weight_image
from .describe import Elaborated
from .harness import Harness
from .modules import read_image, readable
from .names import USUAL, Names
from .ports import ports_markdown
from .verilog import IDENTIFIER, keep_unreset, waived

TOP = USUAL.core
LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
SUMMARY = "rtl.json"
SPRAM_MODEL = Path(str(resources.files("twinspike.hw.weights") / "sb_spram256ka.v"))
# What identifies a source line of the generator says nothing to a reader of the Verilog.
_STRIPPED = ["generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding"]


# Which output neuron wins, where there are no references.
_WINS = {"counts": "most output spikes win", "membrane": "the largest sum of membranes wins"}


def emit(plan: CorePlan, out: Path) -> dict[str, Any]:
    """Write the core into folder `out`; returns what its `rtl.json` holds.

    Files: `twinspike_core.v` and the `.mem` images that it reads by name, `twinspike_core.il` and
    `harness.il` (the core behind few pins) for synthesis, `ports.md`, `rtl.json`; with SPRAM
    weights also `weights.mem` (words for the load port), `weights.bin` (the same, for a flash memory) and the
    block's simulation model.
    Raises TwinspikeError if the folder cannot be written or holds something else, or yosys fails.
    """
    out = Path(out)
    # The folder is replaced: one that holds anything else must not be lost by a slip.
    ours = not out.exists() or (out / SUMMARY).is_file() or (out.is_dir() and not any(out.iterdir()))
    if not ours:
        raise TwinspikeError(f"{out} is not a folder of generated RTL: give a new or an empty one")
    with replacing_folder(out) as work:
        return _write_files(plan, work)


def _write_files(plan: CorePlan, out: Path) -> dict[str, Any]:
    write_verilog(plan, out)
    (out / "harness.il").write_text(harness_rtlil(plan))
    (out / "ports.md").write_text(ports_markdown(plan))
    summary = describe(plan)
    write_json(out / SUMMARY, summary)
    return summary


_NAME = re.compile(r"\\[^\s\"\\]+")  # a public name of RTLIL, as it stands or in a string


def harness_rtlil(plan: CorePlan) -> str:
    """RTLIL of module `harness`, the core behind few pins: what is synthesised."""
    return plain_names(rtlil.convert(Harness(plan), name="harness", emit_src=False))


def plain_names(text: str) -> str:
    """RTLIL with `.` replaced in module names and brackets in all names.

    Verilog then needs no escaped identifiers for them; and yosys' abc9 takes a name such as `counts[4]`,
    which Amaranth gives to an element of an array, for a bit of `counts`: it fails, or drives a wire twice.
    """
    modules = re.findall(r"^module (\\\S+)", text, re.MULTILINE)
    dotted = {name: name.replace(".", "_") for name in modules if "." in name}
    text = re.sub(
        r"^(module |  cell )(\\\S+)",
        lambda found: f"{found[1]}{dotted.get(found[2], found[2])}",
        text,
        flags=re.MULTILINE,
    )
    names = set(_NAME.findall(text))
    plain = {}
    for name in sorted(name for name in names if "[" in name):
        new = name.replace("[", "_").replace("]", "")
        while new in names:
            new += "_"
        names.add(new)
        plain[name] = new
    return _NAME.sub(lambda found: plain.get(found[0], found[0]), text)


def is_current(plan: CorePlan, out: Path) -> bool:
    """Whether folder `out` holds the core of this very plan, written by this very generator."""
    try:
        found = parse_json((out / SUMMARY).read_text())
    except (OSError, ValueError):
        return False
    return found == json.loads(json.dumps(describe(plan)))


def write_verilog(plan: CorePlan, out: Path, names: Names = USUAL) -> None:
    """Write into the existing folder `out` what a simulation needs: `.v` and `.mem` files, and the RTLIL."""
    component_verilog(make_core(plan), names.core, _header(plan, names.core), out, names)
    if plan.loads:
        image = weight_image(plan)
        (out / names.file("weights.mem")).write_text("".join(f"{word:04x}\n" for word in image))
        (out / names.file("weights.bin")).write_bytes(image_bytes(image))
        shutil.copy(SPRAM_MODEL, out)


def write_bus_verilog(plan: CorePlan, bus: str, out: Path, names: Names = USUAL) -> str:
    """Write the Verilog of the core behind `bus` beside the core's own; returns the module's name.

    Raises TwinspikeError if the core has no such top, or yosys fails.
    """
    name = names.bus(bus)
    header = (
        f"// {name}: {names.core} with registers on a bus, network '{plan.network.name}'. "
        "Generated by twinspike.\n"
        f"// network file SHA-256 {plan.network.content_hash}\n"
    )
    component_verilog(BusTop(plan, bus, module=names.core), name, header, out, names)
    return name


def component_verilog(component: Component, name: str, header: str, out: Path, names: Names = USUAL) -> None:
    """Write ``name.v``, ``name.il`` and the memory images of a component into folder `out`."""
    elaborated = Elaborated(component)
    parts = elaborated.parts(name)
    (out / f"{name}.il").write_text(plain_names(rtlil.convert(elaborated, name=name, emit_src=False)))
    strip = " ".join(f"-remove {name}" for name in _STRIPPED)
    script = (
        f"read_rtlil {name}.il\n"
        "proc -nomux -norom\n"
        "memory_collect\n"
        f"attrmap {strip}\n"
        f"attrmap -modattr {strip}\n"
        "write_verilog -norename -extmem raw.v\n"
    )
    (out / "verilog.ys").write_text(script)
    run_tool(find_yosys(), ["-s", "verilog.ys"], out, out / "verilog.log")
    text = _name_memories(keep_unreset(_start_blocks((out / "raw.v").read_text())), name, out, names)
    text = readable(text.split("\n", 1)[1], parts, name, names.core)
    (out / f"{name}.v").write_text(f"{LICENCE}{header}\n" + waived(text))
    for name in ("raw.v", "verilog.ys", "verilog.log"):
        (out / name).unlink()


def _start_blocks(text: str) -> str:
    """See to it that every `always @*` block is evaluated once at the start of a simulation.

    yosys puts a register into a longer block's sensitivity list for that, initialised where it is declared:
    for Icarus the event is over before any block waits for it. A design whose `rst` is high from the first
    moment would then never be reset. A nonblocking assignment comes later. A block of one assignment has no
    such register: its bits would stay unknown until what it reads changes, for ever if that is a constant.
    """
    text = re.sub(r"\\\$auto\$verilog_backend\S+ ", "at_start ", text)
    text = re.sub(
        r"^( *)always @\*\n( *)(\S.*;)$",
        r"\1always @* begin\n\2if (at_start ) begin end\n\2\3\n\1end",
        text,
        flags=re.MULTILINE,
    )
    modules = re.split(r"^(?=module )", text, flags=re.MULTILINE)
    return re.sub(
        r"^( *)reg at_start += 0;$",
        r"\1reg at_start;\n\1/* verilator lint_off INITIALDLY */ initial at_start <= 0;",
        "".join(map(_with_start, modules)),
        flags=re.MULTILINE,
    )


def _with_start(module: str) -> str:
    """A module of yosys's with the register that begins its blocks, where yosys itself has put none."""
    if "at_start" not in module or "reg at_start" in module:
        return module
    return re.sub(r"\);\n", ");\n  reg at_start = 0;\n", module, count=1)


def _name_memories(text: str, top: str, out: Path, names: Names = USUAL) -> str:
    """Name each memory image after its module and memory, and refer to it without its folder.

    A memory whose name a signal has too comes as ``\\name$n ``: its image is named as if it had not.
    """
    module, lines = "", []
    for line in text.splitlines():
        if line.startswith("module "):
            module = re.split(r"[ (]", line)[1].removeprefix(f"{top}_")
        found = re.match(r'\s*initial \$readmemb\("(.*?)", (?:(\w+)|\\((\w+)\S*) )\);', line)
        if found:
            name = names.file(f"{module}_{found[2] or found[4]}.mem")
            (out / Path(found[1]).name).rename(out / name)
            line = read_image(name, found[2] or f"\\{found[3]} ")
        # Ascending, so that every tool and edition of the standard reads an image from address 0 up.
        lines.append(re.sub(rf"^(\s*reg \[\d+:0\] {IDENTIFIER}) \[(\d+):0\];", r"\1 [0:\2];", line))
    return "\n".join(lines) + "\n"


def _header(plan: CorePlan, top: str) -> str:
    network = plan.network
    shape = "-".join(map(str, sizes(network)))
    lanes = ", ".join(str(layer.lanes) for layer in plan.layers)
    readout = _WINS.get(network.readout, f"{plan.references} references")
    readout += f" in {plan.slots} slots" if plan.slots else ""
    return (
        f"// {top}: spiking network '{network.name}', {shape}, T = {network.timesteps},\n"
        f"// {readout}, lanes {lanes}, for {plan.target}. Generated by twinspike.\n"
        f"// network file SHA-256 {network.content_hash}\n"
        "// Ports are described in ports.md; parameter MEMORIES says where the .mem files lie.\n"
    )


def generator_hash() -> str:
    """Digest of all that decides what is emitted: other sources may write another core for the same plan."""
    return source_hash("numerics", "quant", "hw", suffixes=(".py", ".v"))


def describe(plan: CorePlan) -> dict[str, Any]:
    """The plan in figures, JSON-ready: a row per layer, widths, and cycles by formula."""
    layers = [
        {
            "inputs": layer.inputs,
            "neurons": layer.neurons,
            **({"map": list(layer.layer.shape)} if len(layer.layer.shape) > 1 else {}),
            "lanes": layer.lanes,
            "events_per_clock": layer.events_per_clock,
            "words": layer.words,
            "row_cycles": layer.tick_clocks,
            "weight_bits": layer.layer.spec.weight_bits,
            "weight_memory": layer.memory,
            **({"sweep": "reached" if layer.sweeps_reached else "all"} if layer.listed else {}),
            "weight_memory_bits": layer.weight_words * layer.weight_word_bits * layer.weight_copies,
            "accumulator_bits": layer.accumulator_bits,
            "state_memory_bits": layer.words * layer.lanes * layer.accumulator_bits,
            "threshold_bits": layer.threshold_bits,
            "bias_bits": layer.bias_bits,
            **{k: v for k, v in layer.layer.spec.table().items() if k != "weight_bits"},
        }
        for layer in plan.layers
    ]
    return {
        "top": TOP,
        "generator": generator_hash(),
        "target": plan.target,
        "network": plan.network.name,
        "network_hash": plan.network.content_hash,
        "timesteps": plan.network.timesteps,
        "readout": plan.network.readout,
        "references": plan.references,
        "slots": plan.slots,
        "pixels": plan.pixels,
        **({"step_timer": plan.step_timer} if plan.step_timer else {}),
        "count_bits": plan.count_bits,
        "distance_bits": plan.distance_bits,
        "check_duplicates": plan.check_duplicates,
        "layers": layers,
    }
