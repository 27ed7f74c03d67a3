"""From a plan to files: Verilog, RTLIL, memory images and the description of the ports.

The folder is replaced as a whole, so its files always belong together.
"""

import dataclasses
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

from amaranth.back import rtlil

from ..numerics.errors import TwinspikeError
from ..numerics.files import parse_json, replacing_folder, write_json
from .harness import Harness, make_core
from .plan import CorePlan
from .ports import ports_markdown
from .process import run_tool
from .toolchain import find_yosys

TOP = "twinspike_core"
SUMMARY = "rtl.json"
# What identifies a source line of the generator says nothing to a reader of the Verilog.
_STRIPPED = ["generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding"]


def emit(plan: CorePlan, out: Path) -> dict[str, Any]:
    """Write the core into folder `out`; returns what its `rtl.json` holds.

    Files: `twinspike_core.v` and the `.mem` images that it reads by name, `twinspike_core.il` and
    `harness.il` (the core behind few pins) for synthesis, `ports.md`, `rtl.json`; with SPRAM
    weights also `weights.mem` (16-bit words for the load port) and the block's simulation model.
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
    (out / f"{TOP}.il").write_text(plain_names(rtlil.convert(make_core(plan), name=TOP, emit_src=False)))
    (out / "harness.il").write_text(plain_names(rtlil.convert(Harness(plan), name="harness", emit_src=False)))
    _write_verilog(plan, out)
    for layer in plan.layers:
        if layer.memory == "spram":
            (out / "weights.mem").write_text("".join(f"{w:04x}\n" for w in layer.load_words()))
            shutil.copy(Path(__file__).parent / "sb_spram256ka.v", out)
    (out / "ports.md").write_text(ports_markdown(plan))
    summary = describe(plan)
    write_json(out / SUMMARY, summary)
    return summary


def plain_names(text: str) -> str:
    """RTLIL with `.` replaced in module names, so that Verilog needs no escaped identifiers."""
    modules = re.findall(r"^module (\\\S+)", text, re.MULTILINE)
    dotted = {name: name.replace(".", "_") for name in modules if "." in name}
    return re.sub(
        r"^(module |  cell )(\\\S+)",
        lambda found: f"{found[1]}{dotted.get(found[2], found[2])}",
        text,
        flags=re.MULTILINE,
    )


def is_current(plan: CorePlan, out: Path) -> bool:
    """Whether folder `out` holds the core of this very plan, written by this very generator."""
    try:
        found = parse_json((out / SUMMARY).read_text())
    except (OSError, ValueError):
        return False
    return found == json.loads(json.dumps(describe(plan)))


def _write_verilog(plan: CorePlan, out: Path) -> None:
    strip = " ".join(f"-remove {name}" for name in _STRIPPED)
    script = (
        f"read_rtlil {TOP}.il\n"
        "proc -nomux -norom\n"
        "memory_collect\n"
        f"attrmap {strip}\n"
        f"attrmap -modattr {strip}\n"
        "write_verilog -norename -extmem raw.v\n"
    )
    (out / "verilog.ys").write_text(script)
    run_tool(find_yosys(), ["-s", "verilog.ys"], out, out / "verilog.log")
    text = _name_memories((out / "raw.v").read_text(), out)
    (out / f"{TOP}.v").write_text(_header(plan) + text.split("\n", 1)[1])
    for name in ("raw.v", "verilog.ys", "verilog.log"):
        (out / name).unlink()


def _name_memories(text: str, out: Path) -> str:
    """Name each memory image after its module and memory, and refer to it without its folder."""
    module, lines = "", []
    for line in text.splitlines():
        if line.startswith("module "):
            module = re.split(r"[ (]", line)[1].removeprefix(f"{TOP}_")
        found = re.match(r'(\s*initial \$readmemb\(")(.*?)(", (\w+)\);)', line)
        if found:
            name = f"{module}_{found[4]}.mem"
            (out / Path(found[2]).name).rename(out / name)
            line = f"{found[1]}{name}{found[3]}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _header(plan: CorePlan) -> str:
    network = plan.network
    shape = "-".join(str(n) for n in (network.inputs, *(layer.neurons for layer in plan.layers)))
    lanes = ", ".join(str(layer.lanes) for layer in plan.layers)
    readout = f"{plan.references} references" if network.readout == "emd" else "most output spikes win"
    return (
        f"// {TOP}: spiking network '{network.name}', {shape}, T = {network.timesteps},\n"
        f"// {readout}, lanes {lanes}, for {plan.target}. Generated by twinspike.\n"
        f"// network file SHA-256 {network.content_hash}\n"
        "// Ports are described in ports.md; the .mem files must be found by $readmemb.\n\n"
    )


def _generator_hash() -> str:
    """Digest of the generator's own sources: other sources may write another core for the same plan."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def describe(plan: CorePlan) -> dict[str, Any]:
    """The plan in figures, JSON-ready: a row a layer, widths, and cycles by formula."""
    layers = [
        {
            "inputs": layer.inputs,
            "neurons": layer.neurons,
            "lanes": layer.lanes,
            "banks": layer.banks,
            "words": layer.words,
            "row_cycles": layer.row_cycles,
            "weight_bits": layer.layer.spec.weight_bits,
            "weight_memory": layer.memory,
            "weight_memory_bits": layer.weight_words * layer.weight_word_bits,
            "accumulator_bits": layer.accumulator_bits,
            "state_memory_bits": layer.words * layer.lanes * layer.accumulator_bits,
            "threshold_bits": layer.threshold_bits,
            "bias_bits": layer.bias_bits,
            **{k: v for k, v in dataclasses.asdict(layer.layer.spec).items() if k != "weight_bits"},
        }
        for layer in plan.layers
    ]
    return {
        "top": TOP,
        "generator": _generator_hash(),
        "target": plan.target,
        "network": plan.network.name,
        "network_hash": plan.network.content_hash,
        "timesteps": plan.network.timesteps,
        "readout": plan.network.readout,
        "references": plan.references,
        "count_bits": plan.count_bits,
        "distance_bits": plan.distance_bits,
        "layers": layers,
    }
