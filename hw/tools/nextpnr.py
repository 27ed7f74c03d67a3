"""Placement and routing with nextpnr: one run a seed, its report read back."""

import dataclasses
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import platformdirs

from ...numerics.errors import TwinspikeError
from ..devices import Device
from .process import ToolFailed, run_tool
from .toolchain import Tool

_PINS = {"ice40": ("--pcf", ""), "ecp5": ("--lpf", ""), "gowin": ("--vopt", "cst=")}
_ROUTED = {"ice40": "--asc", "ecp5": "--textcfg", "gowin": "--write"}


@dataclasses.dataclass(frozen=True)
class Placement:
    """One routed run: slowest clock's Fmax in MHz, and cell type -> (used, available).

    Fmax is as far as it can be trusted (Device.trusted).
    """

    seed: int
    fmax_mhz: float
    utilisation: dict[str, tuple[int, int]]
    seconds: float


def arguments(device: Device, frequency_mhz: float, pins: Path | None = None) -> list[str]:
    """What every seed's run has in common; timing below the asked clock is a result, not a failure.

    `pins`: a file of pin constraints beside the netlist.
    """
    asked = frequency_mhz / device.trusted
    return [*device.nextpnr, *_constrained(device, pins), "--freq", f"{asked:g}", "--timing-allow-fail"]


def _constrained(device: Device, pins: Path | None) -> list[str]:
    option, prefix = _PINS[device.architecture]
    return [option, prefix + pins.name] if pins else []


def free_pins(device: Device, netlist: Path) -> Path | None:
    """A file of constraints beside `netlist` that gives every port some pin, where nextpnr asks for one.

    Raises TwinspikeError if the device has too few.
    """
    if not device.free_pins:
        return None
    (top,) = (
        module
        for module in json.loads(netlist.read_text())["modules"].values()
        if int(module["attributes"].get("top", "0"), 2)
    )
    # The clock's port gets the first pin.
    ports = sorted(top["ports"].items(), key=lambda port: port[0] != "clk")
    names = [
        name if len(port["bits"]) == 1 else f"{name}[{bit}]"
        for name, port in ports
        for bit in range(len(port["bits"]))
    ]
    if len(names) > len(device.free_pins):
        raise TwinspikeError(
            f"{netlist} has {len(names)} ports: {device.name} ({device.title}) has "
            f"{len(device.free_pins)} pins"
        )
    lines = (f'IO_LOC "{name}" {pin};\n' for name, pin in zip(names, device.free_pins, strict=False))
    path = netlist.parent / "free.cst"
    path.write_text("".join(lines))
    return path


def routed(netlist: Path, seed: int) -> Path:
    """The routed design that a run with pins leaves beside the netlist, for the packer."""
    return netlist.parent / f"seed{seed}.routed"


# What nextpnr says where cells would do, but not all of them find places together.
_NO_PLACE = "Unable to find legal placement"


class Unplaced(TwinspikeError):
    """A core that fits by its cells, for which this seed found no places: another one may."""


def place_and_route(
    tool: Tool,
    device: Device,
    netlist: Path,
    frequency_mhz: float,
    seed: int,
    pins: Path | None = None,
    watch: Callable[[str], None] | None = None,
) -> Placement:
    """Place and route `netlist` (yosys JSON), leaving seed<n>.log and .json beside it.

    With `pins` also the routed design (see `routed`). `watch` is told what goes on (see process.run_tool).
    Raises TwinspikeError if it does not fit the device, saying by how much; Unplaced if it nearly does not.
    """
    folder = netlist.parent
    report, log = folder / f"seed{seed}.json", folder / f"seed{seed}.log"
    placed = pins or free_pins(device, netlist)
    command = [*arguments(device, frequency_mhz, placed), "--json", netlist.name, "--report", report.name]
    if pins:
        command += [_ROUTED[device.architecture], routed(netlist, seed).name]
    try:
        seconds = run_tool(tool, [*command, "--seed", str(seed)], folder, log, watch)
    except ToolFailed as failed:
        check_fit(device, _logged_utilisation(log, device))
        if _NO_PLACE in str(failed):
            raise Unplaced(
                f"{device.name}, seed {seed}: nearly every cell is taken, and no places were found for all "
                f"(see {log}): other seeds may find some, or use fewer lanes or slots"
            ) from None
        raise
    found = json.loads(report.read_text())
    if not found["fmax"]:
        raise TwinspikeError(f"{netlist.name} has no clocked path: there is no Fmax to report (see {log})")
    utilisation = {kind: (u["used"], u["available"]) for kind, u in found["utilization"].items()}
    return Placement(
        seed=seed,
        fmax_mhz=round(device.trusted * min(clock["achieved"] for clock in found["fmax"].values()), 2),
        utilisation=_with_logic(device, utilisation),
        seconds=round(seconds, 2),
    )


def pack(tool: Tool, device: Device, netlist: Path) -> dict[str, tuple[int, int]]:
    """What `netlist` takes once packed into the device's cells: type -> (used, available).

    Seconds instead of minutes, and the same as after placing and routing; it need not fit.
    """
    folder, log = netlist.parent, netlist.parent / "pack.log"
    # Placement is asked for nothing: a design beyond the device is packed all the same.
    pins = _constrained(device, free_pins(device, netlist))
    run_tool(tool, [*device.nextpnr, *pins, "--json", netlist.name, "--pack-only"], folder, log)
    return _logged_utilisation(log, device)


def check_fit(device: Device, utilisation: dict[str, tuple[int, int]]) -> None:
    """Raise TwinspikeError if a counted resource is used beyond what the device has."""
    over = []
    for key, (_, name) in device.resources.items():
        used, available = utilisation.get(device.cell_types[key], (0, 0))
        if used > available:
            over.append(f"{used:,} of {available:,} {name} ({used - available:,} too many)")
    if over:
        raise TwinspikeError(
            f"the core does not fit {device.name} ({device.title}): it needs {', and '.join(over)}; "
            "use fewer lanes (hardware.lanes), smaller layers or fewer weight bits, or a larger device"
        )


def warm_up(tool: Tool) -> bool:
    """True if YoWASP must still compile `tool` for this machine (about a minute, once)."""
    if "yowasp" not in tool.source:
        return False
    cache = os.environ.get("YOWASP_CACHE_DIR") or platformdirs.user_cache_dir("YoWASP", appauthor=False)
    module = tool.source.split()[-1].replace("-", "_")
    return not any(Path(cache, module).glob("*.wasm/*"))


def _with_logic(device: Device, utilisation: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """The table with its logic cells, where several kinds of cell are such."""
    if not device.logic:
        return utilisation
    used = sum(count * utilisation.get(kind, (0, 0))[0] for kind, count in device.logic)
    return utilisation | {device.cell_types["logic_cells"]: (used, device.logic_cells)}


def _logged_utilisation(log: Path, device: Device) -> dict[str, tuple[int, int]]:
    """The table that nextpnr prints after packing, as in ``Info: ICESTORM_LC: 6012/ 5280 113%``."""
    rows = re.findall(
        r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", log.read_text(errors="replace"), re.MULTILINE
    )
    return _with_logic(device, {kind: (int(used), int(available)) for kind, used, available in rows})
