"""From a plan and a board to a bitstream whose timing is met, and the image of the board's flash."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...numerics.errors import TwinspikeError
from ...numerics.files import write_atomically, write_json
from ..emit.emit import plain_names
from ..plan import CorePlan
from ..tools import nextpnr
from ..tools.process import run_tool
from ..tools.synthesis import synthesise
from ..tools.toolchain import find_packer
from ..weights.image import image_bytes, weight_image
from .description import Board
from .top import BoardTop

TOP = "top"
SUMMARY = "board.json"
FLASH_IMAGE = "flash.bin"
_CONSTRAINTS = {"ice40": "top.pcf", "ecp5": "top.lpf", "gowin": "top.cst"}
_BITSTREAM = {"ice40": "top.bin", "ecp5": "top.bit", "gowin": "top.fs"}


def make_bitstream(
    board: Board,
    plan: CorePlan,
    out: Path,
    *,
    baud: int,
    line: str = "uart",
    seeds: Sequence[int] = (1, 2, 3),
    jobs: int = 2,
) -> dict[str, Any]:
    """Build the core of `plan` for `board` in folder `out`; returns what its board.json holds.

    `line`: the link's, uart or spi.
    Files: the bitstream, flash.bin (bitstream and, at the board's offset, the weights), pins.md,
    timing.md, and what the tools left. Of the seeds the fastest is packed. Raises TwinspikeError if a tool
    fails, the design does not fit, or no seed meets the board's clock.
    """
    out.mkdir(parents=True, exist_ok=True)
    top = BoardTop(board, plan, baud, line)
    files = board.make_platform().prepare(top, name=TOP).files
    constraints = out / _CONSTRAINTS[board.architecture]
    rtlil = _text(files[f"{TOP}.il"])
    for path, text in ((out / "top.il", plain_names(rtlil)), (constraints, _text(files[constraints.name]))):
        if not path.is_file() or path.read_text() != text:
            write_atomically(path, text)
    result = synthesise(out / "top.il", TOP, board.device, out, seeds=seeds, jobs=jobs, pins=constraints)
    clock = top.pll.frequency_mhz
    placed = result["seeds"]
    best = max(range(len(placed)), key=lambda at: result["fmax_mhz"][at])
    _check_timing(board, clock, result["fmax_mhz"][best], len(placed))

    bitstream = out / _BITSTREAM[board.architecture]
    _pack(board, nextpnr.routed(out / "netlist.json", placed[best]), bitstream)
    weights = image_bytes(weight_image(plan))
    summary = {
        "board": board.name,
        "title": board.title,
        "network": plan.network.name,
        "network_hash": plan.network.content_hash,
        "lanes": [layer.lanes for layer in plan.layers],
        "slots": plan.slots,
        "clock_mhz": clock,
        "line": line,
        "baud": baud,
        "link": dataclasses.asdict(top.link),
        "seed": placed[best],
        "weights_at": board.flash_offset if weights else None,
        "pins": _pins(constraints.read_text()),
        **{key: result[key] for key in _KEPT},
    }
    if weights:
        image = bitstream.read_bytes().ljust(board.flash_offset, b"\xff") + weights
        write_atomically(out / FLASH_IMAGE, image)
    write_json(out / SUMMARY, summary)
    write_atomically(out / "pins.md", _pins_markdown(board, summary))
    return summary


_KEPT = (
    "fmax_mhz",
    "fmax_min_mhz",
    "seeds",
    "logic_cells",
    "logic_cells_available",
    "flipflops",
    "flipflops_available",
    "ram_blocks",
    "ram_blocks_available",
    "spram",
    "spram_available",
    "device",
    "tools",
)


def _check_timing(board: Board, clock: float, reached: float, seeds: int) -> None:
    if reached < clock:
        slack = 1000 / clock - 1000 / reached
        raise TwinspikeError(
            f"{board.title}: timing is not met at {clock:g} MHz: slack {slack:.2f} ns, {reached:g} MHz at "
            f"best of {seeds} seeds; try other seeds, fewer lanes (hardware.lanes) or a slower board clock"
        )


def _pack(board: Board, routed: Path, bitstream: Path) -> None:
    tool = find_packer(board.architecture)
    arguments = {
        "ice40": [routed.name, bitstream.name],
        "ecp5": ["--compress", routed.name, bitstream.name],
        "gowin": ["-o", bitstream.name, routed.name],
    }[board.architecture]
    run_tool(tool, [*board.pack, *arguments], bitstream.parent, bitstream.parent / "pack.log")


def _pins(constraints: str) -> dict[str, str]:
    """Port -> pin, of a .pcf, .lpf or .cst file."""
    pattern = r'^\s*(?:set_io|LOCATE COMP|IO_LOC) "?([^ "]+)"? (?:SITE )?"?(\w+)'
    found = re.findall(pattern, constraints, re.MULTILINE)
    return {port.removesuffix("__io").replace("__", "."): pin for port, pin in found}


def _pins_markdown(board: Board, summary: dict[str, Any]) -> str:
    rows = [f"| `{port}` | {pin} |" for port, pin in summary["pins"].items()]
    return "\n".join([f"# Pins of {board.title}", "", "| port | pin |", "| --- | --- |", *rows]) + "\n"


def _text(content: str | bytes) -> str:
    return content.decode() if isinstance(content, bytes) else content
