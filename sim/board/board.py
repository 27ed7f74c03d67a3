"""A board in simulation behind a pseudo-terminal: a host program talks to RTL as to hardware.

The whole of hw/board/system.py runs in Verilator, bit by bit on the pins of its link. Time is counted in its
clocks: the host's own says nothing, since a second there takes a minute.
"""

import dataclasses
import hashlib
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
import tty
from importlib import resources
from pathlib import Path
from typing import Any

from ...hw.board.system import System
from ...hw.emit.emit import SPRAM_MODEL, component_verilog
from ...hw.link import spi, uart
from ...hw.link.plan import LinkPlan, link_plan
from ...hw.link.spi import SpiLine
from ...hw.link.uart import Rate, UartLine
from ...hw.plan import CorePlan
from ...hw.tools.process import run_tool
from ...hw.tools.toolchain import Tool, find_verilator
from ...hw.weights.image import image_bytes, weight_image
from ...numerics.files import replacing_folder, write_atomically
from ...numerics.locks import alone_with
from ..bench.native import OPTIONS
from ..bench.verilator import keep_runtime, program, take_runtime
from ..bench.workplace import workplace

TOP = "system"
_LEAST_CLOCKS = {"uart": uart.LEAST_CLOCKS, "spi": spi.LEAST_CLOCKS}


class SimulatedBoard:
    """A running board; `port` is the path of its serial port. Use it as a context manager.

    `folder` keeps the compiled simulator, which is used again for the same core. `line` is uart or spi: by
    SPI the simulation is the controller. `clocks_a_bit`: of the line; 0: as few as it takes. `clock_mhz` is
    what the board says of its clock. Raises TwinspikeError if Verilator is missing or fails.
    """

    def __init__(
        self,
        plan: CorePlan,
        folder: Path,
        *,
        buffer_bytes: int = 1024,
        line: str = "uart",
        clocks_a_bit: int = 0,
        clock_mhz: int = 0,
    ):
        link = link_plan(plan, buffer_bytes=buffer_bytes, clock_mhz=clock_mhz)
        self._clocks_a_bit = clocks_a_bit or _LEAST_CLOCKS[line]
        self._program = build(plan, link, line, folder, self._clocks_a_bit)
        # Of this board alone: another may run in the same folder.
        self._own = tempfile.TemporaryDirectory(dir=folder, prefix=".running.")
        self._flash, self._clocks = (Path(self._own.name) / name for name in ("flash.bin", "clocks"))
        write_atomically(self._flash, image_bytes(weight_image(plan)))
        self.port = ""

    def __enter__(self) -> "SimulatedBoard":
        master, self._slave = os.openpty()
        tty.setraw(self._slave)
        # This side stays open, so that hosts may come and go.
        self.port = os.ttyname(self._slave)
        self._clocks.write_bytes(bytes(8))
        files = [str(path.resolve()) for path in (self._flash, self._clocks)]
        command = [str(self._program), str(master), str(self._clocks_a_bit), *files]
        self._process = subprocess.Popen(command, cwd=self._program.parent, pass_fds=(master,))
        os.close(master)
        return self

    @property
    def clocks(self) -> int:
        """Clocks that have passed on the board."""
        with self._clocks.open("rb") as file, mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ) as shown:
            return struct.unpack("=Q", shown)[0]

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def __exit__(self, *_: Any) -> None:
        self._process.terminate()
        self._process.wait()
        os.close(self._slave)
        self._own.cleanup()


def build(plan: CorePlan, link: LinkPlan, line: str, folder: Path, clocks_a_bit: int) -> Path:
    """The simulator of a board with the core of `plan`, compiled below `folder` unless it is there."""
    with alone_with(folder):
        return _build(plan, link, line, folder, clocks_a_bit)


def _build(plan: CorePlan, link: LinkPlan, line: str, folder: Path, clocks_a_bit: int) -> Path:
    tool = find_verilator()
    system = System(plan, link, SpiLine() if line == "spi" else UartLine(Rate(clocks_a_bit, 1)))
    with replacing_folder(folder / "rtl") as rtl:
        component_verilog(system, TOP, f"// {TOP}: a board in simulation.\n", rtl)
    sources = {path.name: path.read_text() for path in sorted((folder / "rtl").glob("*.[vm]*"))}
    sources[SPRAM_MODEL.name] = SPRAM_MODEL.read_text()
    sources["board.cpp"] = resources.files(__package__).joinpath("board.cpp").read_text()
    defines = [*(["-DFLASH"] if weight_image(plan) else []), *(["-DSPI"] if line == "spi" else [])]
    options = [*OPTIONS, *(word for define in defines for word in ("-CFLAGS", define))]
    said = [tool.version, *options, *(f"{name}\n{text}" for name, text in sources.items())]
    kept = folder / hashlib.sha256("\0".join(said).encode()).hexdigest()[:24]
    if not kept.is_dir():
        with replacing_folder(kept) as work:
            for name, text in sources.items():
                (work / name).write_text(text)
            _compile(tool, work, options, [name for name in sources if not name.endswith(".mem")])
    return (kept / f"V{TOP}").resolve()


def _compile(tool: Tool, folder: Path, options: list[str], sources: list[str]) -> None:
    with workplace(tool, folder) as place:
        made = place.folder / "made"
        take_runtime(made, tool.version, OPTIONS)
        binary = dataclasses.replace(place.tool, command=(program(tool),))
        arguments = ["-j", "2", *options, "--top-module", TOP, "--Mdir", str(made)]
        # make looks for the C++ source by itself.
        files = [str(place.plain(folder.resolve() / s)) if s.endswith(".cpp") else s for s in sources]
        run_tool(binary, [*arguments, *files], folder, folder / "build.log")
        keep_runtime(made, tool.version, OPTIONS)
        shutil.move(made / f"V{TOP}", folder / f"V{TOP}")
        shutil.rmtree(made)
