"""``twinspike doctor``: which tools, versions and data are in use, and what is missing."""

import dataclasses
import importlib.metadata
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinspike.hw.tools import toolchain
from twinspike.model.data.folder import DATA_VARIABLE, data_folder
from twinspike.model.data.shipped import IDX_SOURCES
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.extras import extra_of, remedy

LEAST_PYTHON = (3, 11)
PACKAGES = (
    "torch",
    "brevitas",
    "numpy",
    "scikit-learn",
    "safetensors",
    "amaranth",
    "cocotb",
    "matplotlib",
    "jinja2",
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the table; `state` is "ok", "missing", or "optional": absent, but the demo needs it not."""

    topic: str
    name: str
    state: str
    version: str = ""
    detail: str = ""


def doctor(console: Console | None = None) -> int:
    """Print what was found; returns 0 if `make demo` can run, else 1."""
    console = console or Console()
    found = findings()
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    marks = {"ok": Text("ok", "green"), "optional": Text("--", "yellow"), "missing": Text("!!", "bold red")}
    topic = ""
    for finding in found:
        if finding.topic != topic:
            topic = finding.topic
            table.add_row("")
            table.add_row("", Text(topic, "bold"))
        table.add_row(marks[finding.state], finding.name, finding.version, Text(finding.detail))
    console.print(table)
    missing = [finding.name for finding in found if finding.state == "missing"]
    if missing:
        console.print(
            f"make demo cannot run yet: missing {', '.join(missing)}", style="bold red", markup=False
        )
        return 1
    console.print("make demo can run", style="green")
    return 0


def findings() -> list[Finding]:
    """Everything looked at, in the order it is shown."""
    return [_python(), *_packages(), *_tools(), *_build_programs(), *_data()]


def _python() -> Finding:
    recent = sys.version_info >= LEAST_PYTHON
    wanted = ".".join(map(str, LEAST_PYTHON))
    detail = sys.executable if recent else f"Python {wanted} or later is needed: install it, then make clean"
    return Finding("Python", "python", "ok" if recent else "missing", platform.python_version(), detail)


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding("Python packages", name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("Python packages", name, "missing", "", _install(name))


def _install(package: str) -> str:
    extra = extra_of(package)
    return remedy(extra) if extra else f"pip install {package}"


def _tools() -> Iterator[Finding]:
    searches: tuple[tuple[str, bool, Callable[[], toolchain.Tool]], ...] = (
        ("verilator", True, toolchain.find_verilator),
        ("yosys", True, toolchain.find_yosys),
        ("nextpnr-ice40", True, lambda: toolchain.find_nextpnr("ice40")),
        ("nextpnr-ecp5", False, lambda: toolchain.find_nextpnr("ecp5")),
        ("nextpnr-gowin", False, lambda: toolchain.find_nextpnr("gowin")),
        ("icarus", False, toolchain.find_icarus),
    )
    for name, needed, find in searches:
        try:
            tool = find()
        except TwinspikeError as error:
            yield Finding("Tools", name, "missing" if needed else "optional", "", str(error))
            continue
        passed_over = "".join(f"; passed over as too old: {older}" for older in tool.passed_over)
        where = (
            tool.source if tool.source.startswith("package") else f"{tool.source}: {shlex.join(tool.command)}"
        )
        yield Finding("Tools", name, "ok", tool.version, where + passed_over)


def _build_programs() -> Iterator[Finding]:
    """What Verilator's simulations are built with."""
    compiler = os.environ.get("CXX", "g++").split()[0]
    for program in (compiler, "make"):
        path = shutil.which(program)
        if path:
            yield Finding("Build", program, "ok", _first_version(program), path)
        else:
            yield Finding("Build", program, "missing", "", f"install {program} from the system's packages")


def _first_version(program: str) -> str:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ".".join(map(str, toolchain.as_version(done.stdout)))


def _data() -> Iterator[Finding]:
    yield Finding("Data", "digits", "ok", "", "bundled with scikit-learn")
    for name, source in IDX_SOURCES.items():
        folder, ours = data_folder(source.folder)
        # Sizes only: checksums are verified whenever the files are read.
        bad = [
            file.name
            for file in source.files
            if not (folder / file.name).is_file() or (folder / file.name).stat().st_size != file.size
        ]
        where = f"{folder} ({'cache' if ours else DATA_VARIABLE})"
        if not bad:
            yield Finding("Data", name, "ok", "", where)
        else:
            remedy = "first use downloads them" if ours else f"put them there, or unset {DATA_VARIABLE}"
            detail = f"{where}: {len(bad)} of {len(source.files)} files absent or incomplete; {remedy}"
            yield Finding("Data", name, "optional", "", detail)
