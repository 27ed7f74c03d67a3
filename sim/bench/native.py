"""A core and its bench as one program: Verilator's model, driven by native.cpp."""

import dataclasses
import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from ...hw.tools.process import run_tool
from ...hw.tools.toolchain import Tool
from .verilator import keep_runtime, program, take_runtime

DRIVER = "native.cpp"
# -O1 compiles nearly as fast as -O0 and runs eight times faster; -O2 takes longer and runs no faster.
OPTIONS = (
    "--cc", "--exe", "--build", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--x-assign", "fast",
    "--x-initial", "fast", "-O3", "-CFLAGS", "-O1",
)  # fmt: skip


def driver_source() -> str:
    """The C++ that drives module `bench`; it reads runs.mem (see sim/bench/direct.py)."""
    return resources.files(__package__).joinpath(DRIVER).read_text()


def build_native(tool: Tool, folder: Path, sources: Sequence[str]) -> Path:
    """Build `sources` in `folder`, module `bench` and DRIVER among them; returns the program."""
    take_runtime(folder / "made", tool.version, OPTIONS)
    binary = dataclasses.replace(tool, command=(program(tool),))
    arguments = ["-j", "2", *OPTIONS, "--top-module", "bench", "--prefix", "Vbench", "--Mdir", "made"]
    run_tool(binary, [*arguments, *sources], folder, folder / "build.log")
    keep_runtime(folder / "made", tool.version, OPTIONS)
    (folder / "made" / "Vbench").rename(folder / "simulate")
    shutil.rmtree(folder / "made")
    return folder / "simulate"
