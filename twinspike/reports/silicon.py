"""What a placed core is made of, block by block, and the path that bounds its clock."""

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import parse_json, read_limited

# Netlists of the largest devices have a tenth of it.
MAX_NETLIST_BYTES = 1 << 30
# Look-up tables that a cell takes; a carry cell of the ECP5 is two of them.
_LUTS = {"SB_LUT4": 1, "LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4}
_FLIP_FLOPS = ("SB_DFF", "TRELLIS_FF")
_MEMORIES = ("SB_RAM40_4K", "SB_SPRAM256KA", "DP16KD")
_SCOPE = "$scopeinfo"
_AROUND = "at the pins"
# What the tools append to a signal's name for the cells that they made of it.
_MADE = re.compile(
    r"(_(SB_(DFF|LUT|CARRY|RAM|SPRAM)|LUT4|TRELLIS|CCU2C|PFUMX|L6MUX21|DP16KD)\w*)+"
    r"|\$(?:nextpnr|abc|auto|PACKER)\S*|_(?:LC|DFFLC|COMB|FF)$"
)


@dataclasses.dataclass(frozen=True)
class Block:
    """A part of the core and its cells after synthesis, before packing."""

    name: str
    luts: int
    flip_flops: int
    memories: int


@dataclasses.dataclass(frozen=True)
class Hop:
    """A piece of a path: what it passes, `kind` (clk-to-q, logic, routing, setup), ns, and those so far."""

    block: str
    signal: str
    kind: str
    ns: float
    until: float


def blocks(netlist: Path) -> list[Block]:
    """The blocks of a flattened netlist (yosys JSON), the largest first; none if there is no such file.

    A block is an instance directly inside the core; what belongs to none of them is named like the core.
    """
    if not netlist.is_file():
        return []
    try:
        found = parse_json(read_limited(netlist, MAX_NETLIST_BYTES, "a netlist"))
        cells = _top(found)["cells"]
    except (TwinspikeError, ValueError, KeyError, TypeError, AttributeError):
        return []
    scopes = {name for name, cell in cells.items() if cell.get("type") == _SCOPE}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, cell in cells.items():
        kind = cell.get("type", "")
        counts[_block(name, scopes)].update(
            luts=_LUTS.get(kind, 0),
            flip_flops=int(kind.startswith(_FLIP_FLOPS)),
            memories=int(kind in _MEMORIES),
        )
    rows = [Block(name, n["luts"], n["flip_flops"], n["memories"]) for name, n in counts.items()]
    found = (row for row in rows if row.luts + row.flip_flops + row.memories)
    return sorted(found, key=lambda row: (-row.luts, -row.flip_flops))


def critical_path(report: Path) -> list[Hop]:
    """The slowest path from clock to clock of nextpnr's report; none if there is no such file."""
    try:
        found = parse_json(report.read_bytes())
        clocked = [path["path"] for path in found["critical_paths"] if path["from"] == path["to"]]
        paths: list[list[Mapping[str, Any]]] = clocked
        slowest: list[Mapping[str, Any]] = max(
            paths, key=lambda path: sum(hop["delay"] for hop in path), default=[]
        )
        return _hops(slowest)
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _hops(path: list[Mapping[str, Any]]) -> list[Hop]:
    hops, until = [], 0.0
    for piece in path:
        until += piece["delay"]
        # A net is known by what drives it, a cell by itself.
        name = piece.get("net") or piece["from"]["cell"]
        plain = _MADE.sub("", name).strip(".") or name
        parts = plain.split(".")
        block = parts[1] if len(parts) > 2 else parts[0]
        inside = parts[2:] if len(parts) > 2 else parts[-1:]
        signal = ".".join("unnamed" if part.startswith("$") else part for part in inside)
        hops.append(Hop(block, signal, piece["type"], round(piece["delay"], 2), round(until, 2)))
    return hops


def _top(found: Mapping[str, Any]) -> Mapping[str, Any]:
    modules = found["modules"]
    tops = [module for module in modules.values() if module.get("attributes", {}).get("top")]
    return tops[0] if tops else modules[max(modules, key=lambda name: len(modules[name]["cells"]))]


def _block(name: str, scopes: set[str]) -> str:
    parts = name.split(".")
    if len(parts) > 1 and ".".join(parts[:2]) in scopes:
        return parts[1]
    # Registers at the pins, which stand around the core where it is placed alone.
    return parts[0] if parts[0] in scopes else _AROUND
