"""A core and its bench as one program: Verilator's model, driven by native.cpp."""

import dataclasses
import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from ...hw.tools.process import run_tool
from ...hw.tools.toolchain import Tool
from .verilator import keep_runtime, program, take_runtime
from .workplace import workplace

DRIVER = "native.cpp"
# -O1 compiles nearly as fast as -O0 and runs eight times faster; -O2 takes longer and runs no faster.
FAST = (
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "-O3",
    "-CFLAGS",
    "-O1",
)
OPTIONS = ("--cc", "--exe", "--build", *FAST)


def driver_source() -> str:
    """The C++ that drives module `bench`; it reads runs.mem (see sim/bench/direct.py)."""
    return resources.files(__package__).joinpath(DRIVER).read_text()


def build_native(tool: Tool, folder: Path, sources: Sequence[str]) -> Path:
    """Build `sources` in `folder`, module `bench` and DRIVER among them; returns the program."""
    return build_program(tool, folder, sources, top="bench", options=OPTIONS, jobs=2)


def build_program(
    tool: Tool, folder: Path, sources: Sequence[str], *, top: str, options: Sequence[str], jobs: int
) -> Path:
    """Build module `top` of `sources` (options of Verilator may stand among them); returns the program."""
    with workplace(tool, folder) as place:
        made = place.folder / "made"
        take_runtime(made, tool.version, options)
        binary = dataclasses.replace(place.tool, command=(program(tool),))
        arguments = ["-j", str(jobs), *options, "--top-module", top, "--Mdir", str(made)]
        # The driver is named in the makefile, so it lies where make can find it.
        named = [str(place.plain(folder.resolve() / DRIVER)) if name == DRIVER else name for name in sources]
        run_tool(binary, [*arguments, *named], folder, folder / "build.log")
        keep_runtime(made, tool.version, options)
        shutil.move(made / f"V{top}", folder / "simulate")
        shutil.rmtree(made)
    return folder / "simulate"
