"""Synthesis, placement and routing of an RTLIL design, and the figures they give.

Every stage is kept under a stamp, the hash of what it was made from (input, script, options and
tool version): an unchanged stage is not run again, and an interrupted one leaves the rest usable.
"""

import hashlib
import json
import os
import re
import shutil
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from importlib import resources
from pathlib import Path
from typing import Any

from ...numerics.errors import TwinspikeError
from ...numerics.files import parse_json, write_json
from ...numerics.locks import alone_with
from ...numerics.progress import say
from ..devices import Device
from . import nextpnr
from .nextpnr import Placement
from .process import run_tool
from .stages import Stages
from .toolchain import Tool, find_nextpnr, find_yosys

# Amaranth asks for "a read that collides with a write gives the old word", which block RAMs do not
# offer by themselves: yosys would add two flip-flops and a LUT per bit. The core never uses the word
# of a colliding read (its simulation asserts so), hence it is declared undefined.
_COLLISIONS = "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:TRANSPARENCY_MASK=1'0 %i r:CLK_ENABLE=1 %i"

# Registers marked as replicas hold the same value on purpose, each for its part of the chip.
_REPLICAS = "setattr -set keep 1 a:replica=1 %ci1:+[Q]"

# The states of a board's link are one-hot: fewer levels of logic decode them. yosys recodes no register with
# a value at power-up; these need none, since a board begins with a reset (hw/board/top.py).
_ONE_HOT = "setattr -unset init top_system_link*/w:fsm_state"

# abc9 of yosys 0.70 was seen to tie a block RAM's output to a constant and only warn of it (names with
# brackets mislead it, see plain_names in hw/emit/emit.py): that is an error here.
_TIED = b"Driver-driver conflict"

# Block RAMs that yosys may use on Gowin's devices: those whose ports nextpnr times.
GOWIN_RAMS = Path(str(resources.files(__package__) / "gowin_rams.txt"))

# Cells that occupy logic but are no nextpnr type yet: each takes at least so many logic cells.
_LEAST_LOGIC = {"SB_LUT4": 1, "LUT4": 1, "CCU2C": 2, "LUT3": 1, "LUT2": 1, "ALU": 1, "RAM16SDP4": 8}
_RAW_CELLS = {
    "ram_blocks": ("SB_RAM40_4K", "DP16KD", "SP", "SPX9", "SDPB", "SDPX9B"),
    "spram": ("SB_SPRAM256KA",),
    "dsp": ("SB_MAC16", "MULT18X18D"),
}
_YOSYS = "yosys"


def synthesise(
    rtlil: Path,
    top: str,
    device: Device,
    out: Path,
    *,
    seeds: Sequence[int] = (1, 2, 3),
    jobs: int = 2,
    frequency_mhz: float | None = None,
    provenance: Mapping[str, Any] | None = None,
    pins: Path | None = None,
) -> dict[str, Any]:
    """Synthesise module `top` of `rtlil` for `device` and route it once a seed; writes out/synth.json.

    Returns what synth.json holds: device, top, logic_cells, flipflops, ram_blocks, spram, dsp (the
    largest over the seeds) with ``*_available`` beside them, fmax_mhz (one a seed) with
    fmax_min_mhz, fmax_median_mhz, fmax_max_mhz, seeds, frequency_mhz (asked), tools, yosys_seconds,
    nextpnr_seconds (one a seed), cells (yosys type -> count) and provenance. `jobs` runs of nextpnr
    go on at a time. Nothing is run again if input, options and tool versions are unchanged. With
    `pins`, a file of constraints in folder `out`, each run leaves its routed design (nextpnr.routed).

    Raises TwinspikeError if a tool is missing, the design is refused, or it does not fit.
    """
    if not seeds:
        raise TwinspikeError("seeds is empty: give at least one seed to place and route with")
    with alone_with(out):
        return _synthesise(rtlil, top, device, out, seeds, jobs, frequency_mhz, provenance, pins)


def _synthesise(rtlil, top, device, out, seeds, jobs, frequency_mhz, provenance, pins) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    yosys, router = find_yosys(), find_nextpnr(device.architecture)
    frequency = frequency_mhz or device.frequency_mhz
    with Stages(device.name, 1 + len(seeds)) as stages:
        netlist, cells, seconds = make_netlist(yosys, rtlil, top, device, out, stages)
        stages.done(_YOSYS, f"{sum(cells.values()):,} cells", seconds)
        _check_netlist(device, cells)
        placements = {}
        for placement in _place_all(router, device, netlist, frequency, seeds, jobs, pins, stages):
            placements[placement.seed] = placement
            stages.done(_placing(placement.seed), f"Fmax {placement.fmax_mhz:.1f} MHz", placement.seconds)
    found = [seed for seed in seeds if seed in placements]
    result = _summarise(device, [placements[seed] for seed in found])
    result |= {
        "top": top,
        "seeds": found,
        "frequency_mhz": frequency,
        "tools": {tool.name: f"{tool.version} ({tool.source})" for tool in (yosys, router)},
        "yosys_seconds": seconds,
        "cells": cells,
        "flipflops": _flipflops(device, cells, placements.values()),
        "flipflops_available": device.flipflops,
        "provenance": dict(provenance or {}),
    }
    path = out / "synth.json"
    if _read(path) == result:
        os.utime(path)
    else:
        write_json(path, result)
    return result


def _flipflops(device: Device, cells: Mapping[str, int], placements: Iterable[Placement]) -> int:
    """As yosys has them; Gowin's as placed, since nextpnr adds some behind block RAMs."""
    if device.architecture == "gowin":
        kind = device.cell_types["flipflops"]
        return max(placement.utilisation.get(kind, (0, 0))[0] for placement in placements)
    return sum(count for cell, count in cells.items() if cell.startswith(("SB_DFF", "TRELLIS_FF")))


def pack(rtlil: Path, top: str, device: Device, out: Path) -> dict[str, int]:
    """Logic cells, block RAMs, ... of module `top` once packed, without placing it; kept under a stamp.

    The same keys as synth.json has. Raises TwinspikeError if a tool is missing or fails.
    """
    with alone_with(out):
        return _pack(rtlil, top, device, out)


def _pack(rtlil: Path, top: str, device: Device, out: Path) -> dict[str, int]:
    out.mkdir(parents=True, exist_ok=True)
    yosys, router = find_yosys(), find_nextpnr(device.architecture)
    netlist, _, _ = make_netlist(yosys, rtlil, top, device, out)
    stamp = out / "pack.stamp.json"
    digest = _digest(netlist.read_bytes(), " ".join(device.nextpnr), str(router))
    if (kept := _kept(stamp, digest)) is None:
        used = nextpnr.pack(router, device, netlist)
        kept = {"digest": digest}
        kept |= {key: used.get(device.cell_types[key], (0, 0))[0] for key in device.resources}
        write_json(stamp, kept)
    return {key: kept[key] for key in device.resources}


def script(rtlil: str, top: str, device: Device) -> str:
    """The yosys script: file names are relative to the output folder, where it runs."""
    return "\n".join(
        [
            f"read_rtlil {_quoted(rtlil)}",
            _COLLISIONS,
            _REPLICAS,
            _ONE_HOT,
            *_mapping(device, f"{device.yosys} -top {top} -json netlist.json"),
            "write_verilog -noattr netlist.v",
            "tee -q -o cells.json stat -json",
            "",
        ]
    )


def _mapping(device: Device, command: str) -> list[str]:
    """The commands that map a design to the device's cells."""
    if device.architecture != "gowin":
        return [command]
    # As synth_gowin does it, but with kinds of block RAM of our own choice.
    return [
        f"{command} -run begin:map_ram",
        f"memory_libmap -lib +/gowin/lutrams.txt -lib {GOWIN_RAMS.name}",
        "techmap -map +/gowin/lutrams_map.v -map +/gowin/brams_map.v",
        f"{command} -run map_ffram:",
    ]


def _quoted(path: str) -> str:
    """A path as yosys takes it for one word."""
    return f'"{path}"' if re.search(r"[\s;#]", path) else path


def make_netlist(
    yosys: Tool, rtlil: Path, top: str, device: Device, out: Path, stages: Stages | None = None
) -> tuple[Path, dict[str, int], float]:
    """Synthesise into netlist.json and netlist.v in the existing folder `out`; (path, cells, seconds).

    `stages` shows what yosys is at while it runs.
    """
    if not rtlil.is_file():
        raise TwinspikeError(f"{rtlil} does not exist: write the design first (make rtl)")
    netlist, stamp = out / "netlist.json", out / "netlist.stamp.json"
    commands = script(os.path.relpath(rtlil.resolve(), out.resolve()), top, device)
    gowin = device.architecture == "gowin"
    digest = _digest(rtlil.read_bytes(), commands, str(yosys), *([GOWIN_RAMS.read_text()] if gowin else []))
    kept = _kept(stamp, digest)
    if kept is None or not netlist.is_file():
        # Torn down first: an interrupted run must not look like an older, finished one.
        for stale in (stamp, out / "synth.json"):
            stale.unlink(missing_ok=True)
        (out / "synth.ys").write_text(commands)
        if gowin:
            shutil.copy(GOWIN_RAMS, out)
        log = out / "yosys.log"
        watch = stages.begin(_YOSYS) if stages else None
        seconds = run_tool(yosys, ["-s", "synth.ys"], out, log, watch)
        if _TIED in log.read_bytes():
            raise TwinspikeError(
                f"{yosys.name} {yosys.version} tied a cell's output to a constant: its netlist is not the "
                f"design's (see '{_TIED.decode()}' in {log}); try another version of it"
            )
        kept = {"digest": digest, "seconds": round(seconds, 2), "cells": _cells(out / "cells.json")}
        write_json(stamp, kept)
    return netlist, kept["cells"], kept["seconds"]


def _cells(path: Path) -> dict[str, int]:
    found = json.loads(path.read_text())
    counts = found["design"]["num_cells_by_type"]
    return {kind: int(count) for kind, count in sorted(counts.items()) if not kind.startswith("$")}


def _check_netlist(device: Device, cells: Mapping[str, int]) -> None:
    """Refuse early what the synthesised cells alone show to be too large."""
    used = {key: sum(cells.get(kind, 0) for kind in kinds) for key, kinds in _RAW_CELLS.items()}
    used["logic_cells"] = max(
        sum(count * cells.get(kind, 0) for kind, count in _LEAST_LOGIC.items()),
        # An iCE40 logic cell holds one flip-flop.
        sum(count for kind, count in cells.items() if kind.startswith("SB_DFF")),
    )
    table = {device.cell_types[key]: (used[key], limit) for key, (limit, _) in device.resources.items()}
    nextpnr.check_fit(device, table)


def _place_all(
    router: Tool,
    device: Device,
    netlist: Path,
    frequency: float,
    seeds: Sequence[int],
    jobs: int,
    pins: Path | None,
    stages: Stages,
) -> Iterator[Placement]:
    """Placements as they come, those kept from earlier runs first.

    A seed that finds no places is told and left out; raises TwinspikeError if all are.
    """
    content = netlist.read_bytes() + (pins.read_bytes() if pins else b"")
    common = " ".join(nextpnr.arguments(device, frequency, pins))
    waiting, lost = {}, 0
    for seed in seeds:
        digest = _digest(content, common, str(router), str(seed))
        kept = _kept(netlist.parent / f"seed{seed}.stamp.json", digest)
        if pins and not nextpnr.routed(netlist, seed).is_file():
            kept = None
        if kept is None:
            waiting[seed] = digest
        else:
            table = {kind: (used, available) for kind, (used, available) in kept["utilisation"].items()}
            yield Placement(seed, kept["fmax_mhz"], table, kept["seconds"])
    if waiting and nextpnr.warm_up(router):
        say(f"{router.source}: the first start compiles for up to a minute")
        run_tool(router, ["--version"], netlist.parent, netlist.parent / "warm-up.log")
    with ThreadPoolExecutor(max(1, jobs)) as pool:

        def run_one(seed: int) -> Placement:
            watch = stages.begin(_placing(seed))
            return nextpnr.place_and_route(router, device, netlist, frequency, seed, pins, watch)

        runs = [pool.submit(run_one, seed) for seed in waiting]
        try:
            for run in as_completed(runs):
                try:
                    placement = run.result()
                except nextpnr.Unplaced as none:
                    lost += 1
                    if lost == len(seeds):
                        raise
                    say(str(none))
                    continue
                kept = {"digest": waiting[placement.seed], "fmax_mhz": placement.fmax_mhz}
                kept |= {"utilisation": placement.utilisation, "seconds": placement.seconds}
                write_json(netlist.parent / f"seed{placement.seed}.stamp.json", kept)
                yield placement
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _placing(seed: int) -> str:
    return f"nextpnr seed {seed}"


def _summarise(device: Device, placements: Sequence[Placement]) -> dict[str, Any]:
    fmax = [placement.fmax_mhz for placement in placements]
    result: dict[str, Any] = {
        "device": device.name,
        "fmax_mhz": fmax,
        "fmax_min_mhz": min(fmax),
        "fmax_median_mhz": statistics.median(fmax),
        "fmax_max_mhz": max(fmax),
        "nextpnr_seconds": [placement.seconds for placement in placements],
    }
    for key in ("logic_cells", "ram_blocks", "spram", "dsp"):
        cell = device.cell_types.get(key, "")
        result[key] = max(placement.utilisation.get(cell, (0, 0))[0] for placement in placements)
        result[f"{key}_available"] = device.resources.get(key, (0, ""))[0]
    return result


def _digest(*parts: bytes | str) -> str:
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()


def _kept(stamp: Path, digest: str) -> dict[str, Any] | None:
    """What the stamp file holds if it was made from the same inputs."""
    found = _read(stamp)
    return found if isinstance(found, dict) and found.get("digest") == digest else None


def _read(path: Path) -> Any:
    """What a JSON file of an earlier run holds; None if it is missing or unsound."""
    try:
        return parse_json(path.read_bytes())
    except (OSError, ValueError):
        return None
