"""The IP package: a folder that an FPGA engineer can drop into a design, with nothing of Python in it."""

import dataclasses
import importlib.metadata
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from twinspike import __version__
from twinspike.flow.results import read_results
from twinspike.hw.bus.forms.verilog_header import registers_header
from twinspike.hw.bus.top import BUSES
from twinspike.hw.core.signature import RESULT_BITS
from twinspike.hw.devices import DEVICES
from twinspike.hw.emit.emit import LICENCE, describe, write_bus_verilog, write_verilog
from twinspike.hw.emit.names import USUAL, Names
from twinspike.hw.emit.ports import ports_markdown
from twinspike.hw.plan import CorePlan
from twinspike.hw.predict.cycles import frame_times
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import replacing_folder, write_json
from twinspike.quant.sizes import sizes
from twinspike.sim.bench.vectors import write_vectors
from twinspike.sim.golden import run as golden_run

from .drawings import write_drawings
from .ports import top_ports
from .registers import write_registers
from .vhdl import components_vhdl

SUMMARY = "ip.json"
# Asked of a tool for a device that nobody has placed the core on yet, as a share of what its entry aims at.
_GUESS = 0.75


def write_ip(
    plan: CorePlan,
    spikes: np.ndarray,
    labels: np.ndarray,
    out: Path,
    build: Path | None = None,
    names: Names = USUAL,
) -> dict[str, Any]:
    """Write the package of a plan into folder `out`; returns what its `ip.json` holds.

    `spikes`, [T, B, inputs], bool or multiplicities, and the images' true `labels` become the golden
    vectors; utilisation comes from the build folder `build` where its devices have been placed for this
    network. With `names` of its own the package stands beside others in one design.
    A core that takes several events per clock has no bus tops, hence no registers.
    Raises TwinspikeError if the folder holds something else or cannot be written, or yosys fails.
    """
    if out.exists() and not (out / SUMMARY).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise TwinspikeError(f"{out} is not a folder of an IP package: give a new or an empty one")
    with replacing_folder(out) as work:
        return _write_files(plan, spikes, labels, work, build, names)


def _write_files(plan, spikes, labels, out: Path, build: Path | None, names: Names) -> dict[str, Any]:
    rtl, bench, limits = (out / name for name in ("rtl", "tb", "constraints"))
    for folder in (rtl, bench, limits):
        folder.mkdir()
    write_verilog(plan, rtl, names)
    buses = [] if plan.layers[0].events_per_clock > 1 else list(BUSES)
    tops = [names.core, *(write_bus_verilog(plan, bus, rtl, names) for bus in buses)]
    for path in rtl.glob("*.il"):
        path.unlink()
    ports = top_ports(plan, buses, names)
    (rtl / f"{names.stem}_components.vhd").write_text(components_vhdl(f"{names.stem}_components", ports))

    lengths = write_vectors(plan, spikes, labels, bench)
    sources = resources.files("twinspike.sim.bench")
    for name in ("tb_stream.sv", *(["tb_bus.sv"] if buses else [])):
        (bench / name).write_text(names.rename(sources.joinpath(name).read_text()))
    if buses:
        (rtl / f"{names.stem}_registers.vh").write_text(LICENCE + registers_header(plan, names.macro))
        write_registers(plan, {top: ports[top] for top in tops[1:]}, out, names)

    latency, first = _latency(plan, spikes)
    write_drawings(plan, buses, first, out / "drawings", names)
    devices = _devices(plan, build)
    context = {
        "plan": plan,
        "network": plan.network,
        "version": __version__,
        "tops": tops,
        "buses": buses,
        "benches": ["stream", *buses],
        "lengths": lengths,
        "devices": devices,
        "clock_mhz": min(row["clock_mhz"] for row in devices),
        "latency": latency,
        "ports": _deeper(ports_markdown(plan, names)),
        "ports_of": ports,
        "sources": sorted(p.name for p in rtl.glob("*.v")),
        "images": sorted(p.name for p in rtl.glob("*.mem")),
        "vectors": sorted(p.name for p in bench.glob("*.mem")),
        "name": names.name or "".join(c if c.isalnum() else "_" for c in plan.network.name),
        "names": names,
        "litex_class": names.stem[0].upper() + names.stem[1:],
        "result_bits": RESULT_BITS,
        "shape": "-".join(map(str, sizes(plan.network))),
        "lanes": ", ".join(str(x.lanes) for x in plan.layers),
    }
    for template, path in (
        ("readme.md.j2", out / "README.md"),
        ("fusesoc.j2", out / f"twinspike_{context['name']}.core"),
        ("makefile.j2", bench / "Makefile"),
        ("verilator.j2", bench / "verilator"),
        ("clock.sdc.j2", limits / "clock.sdc"),
        ("ice40.pcf.j2", limits / "ice40.pcf"),
        ("ecp5.lpf.j2", limits / "ecp5.lpf"),
    ):
        path.write_text(_render(template, context))
    (bench / "verilator").chmod(0o755)
    if buses:
        (out / "litex").mkdir()
        (out / "litex" / f"{names.stem}.py").write_text(_render("litex.j2", context))
    (out / "LICENSE").write_text(_licence())
    summary = describe(plan) | {"top": names.core, "tops": tops, "vectors": lengths, "version": __version__}
    write_json(out / SUMMARY, summary)
    return summary


def _render(template: str, context: dict[str, Any]) -> str:
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(resources.files(__package__).joinpath(template).read_text()).render(
        context
    )


def _latency(plan: CorePlan, spikes: np.ndarray) -> tuple[dict[str, int], dict[str, int]]:
    """Clocks of the golden frames by the cycle contract, alone and result to result; and of the first."""
    layers = golden_run(plan.network, spikes).spikes
    started, finished_alone = frame_times(plan, spikes, layers, isolate=True)
    alone = np.sort(finished_alone - started)
    _, finished = frame_times(plan, spikes, layers, isolate=False)
    interval = np.sort(np.diff(finished)) if len(finished) > 1 else alone
    whole = {
        f"{name}_{which}": int(clocks[at])
        for name, clocks in (("latency", alone), ("interval", interval))
        for which, at in (("min", 0), ("median", len(clocks) // 2), ("max", -1))
    }
    return whole, {"latency": int(finished_alone[0] - started[0]), "events": int((spikes[:, 0] > 0).sum())}


def _devices(plan: CorePlan, build: Path | None) -> list[dict[str, Any]]:
    """A row a device: what placing this very network there gave, or only the clock to start with."""
    synths = read_results(build).synths if build else {}
    rows = []
    for name, device in DEVICES.items():
        synth = synths.get(name)
        if synth and synth["provenance"].get("network_hash") == plan.network.content_hash:
            fields = dataclasses.asdict(device)
            rows.append(fields | synth | {"placed": True, "clock_mhz": int(synth["fmax_min_mhz"])})
        else:
            rows.append(
                {
                    "name": name,
                    "title": device.title,
                    "architecture": device.architecture,
                    "placed": False,
                    "clock_mhz": int(device.frequency_mhz * _GUESS),
                }
            )
    return rows


def _deeper(markdown: str) -> str:
    """Headings one level down."""
    return "".join(
        f"#{line}" if line.startswith("#") else line for line in markdown.splitlines(keepends=True)
    )


def _licence() -> str:
    """The text of twinspike's licence, which its generated files carry too."""
    for file in importlib.metadata.files("twinspike") or []:
        if file.name == "LICENSE":
            return file.read_text()
    raise TwinspikeError("the installation of twinspike lacks its LICENSE file: install it again")
