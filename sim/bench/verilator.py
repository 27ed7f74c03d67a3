"""cocotb's Verilator runner, made faster: fewer public signals, the runtime library compiled once."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from cocotb_tools import config as cocotb_config
from cocotb_tools.runner import Verilator
from platformdirs import user_cache_path

from ...hw.tools.toolchain import Tool
from ...numerics.errors import TwinspikeError
from ...numerics.files import write_atomically
from .workplace import Workplace

# Verilator's own C++, the same for every design: two thirds of the time that a small build takes.
RUNTIME_OBJECTS = (
    "verilated.o",
    "verilated_vpi.o",
    "verilated_threads.o",
    "verilated_dpi.o",
    "verilated_vcd_c.o",
    "verilated_timing.o",
)
COCOTB = (Path(str(cocotb_config.libs_dir)), Path(str(cocotb_config.share_dir)))
_ARGUMENTS = (
    "-O3",
    "-Wno-fatal",
    "-Wno-WIDTH",
    "-Wno-lint",
    "-Wno-style",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "-CFLAGS",
)
_LONGEST_VERILATION_SECONDS = 3600


class FastVerilator(Verilator):
    """Runner in which only the bench's own ports are open to Python.

    All signals public, cocotb's choice, keeps Verilator from optimising the core: building and
    simulating then take several times longer. The bench logs what matters.
    """

    def __init__(self, place: Workplace) -> None:
        super().__init__()
        self._place = place

    def _simulator_in_path_build_only(self) -> None:
        # cocotb knows Verilator by its usual name alone, the toolchain also by others.
        self.executable = program(self._place.tool)

    def _build_command(self):
        compile_, *rest = super()._build_command()
        # The makefile names cocotb's library and C++ source; in a source's name Verilator expands variables.
        for path in (*COCOTB, *{Path(source.value).parent for source in self._sources}):
            plain = str(self._place.plain(path))
            compile_ = [word.replace(str(path), plain) for word in compile_]
        at = compile_.index("--public-flat-rw")
        return [[*compile_[:at], "--public-depth", "1", *compile_[at + 1 :]], *rest]


def arguments(waves: bool) -> list[str]:
    """Verilator's options. Waves are of a few frames: there the compiler's own time counts."""
    return [*_ARGUMENTS, "-O0" if waves else "-O2"]


def program(tool: Tool) -> str:
    """`verilator` is a Perl script around this program; not every machine has Perl."""
    inner = Path(tool.command[0]).with_name("verilator_bin")
    return str(inner) if "VERILATOR_ROOT" in tool.env() and inner.is_file() else tool.command[0]


def take_runtime(build: Path, version: str, options: Sequence[str]) -> None:
    """Put objects compiled by an earlier build into folder `build`; make finds them up to date.

    They are dated ahead: make takes them for stale if they are older than the makefile, which is yet to come.
    `options` are all that the runtime's own compilation depends on, beside Verilator's version.
    """
    build.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME_OBJECTS:
        kept = _cache(version, options) / name
        if kept.is_file() and not (build / name).exists():
            shutil.copyfile(kept, build / name)
            ahead = time.time() + _LONGEST_VERILATION_SECONDS
            os.utime(build / name, (ahead, ahead))


def keep_runtime(build: Path, version: str, options: Sequence[str]) -> None:
    """Keep the runtime objects of a finished build for later ones; a full disk is no reason to fail."""
    cache = _cache(version, options)
    for name in RUNTIME_OBJECTS:
        if (build / name).is_file() and not (cache / name).exists():
            with contextlib.suppress(TwinspikeError):
                write_atomically(cache / name, (build / name).read_bytes())


def _cache(version: str, options: Sequence[str]) -> Path:
    """Folder of the objects for this Verilator, compiler and set of options."""
    compiler = os.environ.get("CXX", "c++")
    try:
        said = subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout
    except OSError:
        said = b""
    made_by = "\n".join([version, compiler, *options])
    key = hashlib.sha256(made_by.encode() + said).hexdigest()[:16]
    return user_cache_path("twinspike") / "verilator" / key
