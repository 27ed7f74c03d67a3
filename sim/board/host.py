"""A host in a simulation without Python beside it: a script of register accesses, played over Wishbone.

What the registers should hold has to be known before: see sim/siamese.py. For long sequences on real
RTL; sim/bench/direct.py is the way for streams alone.
"""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from ...hw.bus.control import control_members
from ...hw.bus.registers import REGISTERS
from ...hw.emit.emit import write_bus_verilog, write_verilog
from ...hw.plan import CorePlan
from ...hw.tools.process import run_tool
from ...hw.tools.toolchain import Tool
from ...numerics.errors import TwinspikeError
from ..bench.direct import build_verilator
from ..bench.simulators import find_simulator

_AT = {register.name: register.offset for register in REGISTERS}


class Script:
    """Operations in order, and what each read should give (None: anything)."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.wanted: list[tuple[str, int | None]] = []

    def write(self, register: str, value: int) -> None:
        """Write a register."""
        self._add(0, _AT[register], value)

    def read(self, register: str, wanted: int | None, what: str = "") -> None:
        """Read a register; `what` stands in the message if it is not `wanted`."""
        self._add(1, _AT[register])
        self.wanted.append((f"{what or register} after line {len(self.lines)}", wanted))

    def until(self, register: str, mask: int, value: int) -> None:
        """Read a register until its bits under `mask` are `value`."""
        self._add(2, _AT[register], mask, value)

    def wait(self, clocks: int) -> None:
        """Let clocks pass."""
        self._add(3, clocks)

    def stream(self, words: Sequence[int]) -> None:
        """Words on s_axis, bit 16 being `last`."""
        for word in words:
            self._add(4, word)

    def _add(self, operation: int, *numbers: int) -> None:
        padded = (operation, *numbers, 0, 0, 0)[:4]
        self.lines.append(" ".join(f"{number:x}" for number in padded) + "\n")


class SimulatedBus:
    """The core of `plan` behind Wishbone in Verilator, built into `folder`."""

    def __init__(self, plan: CorePlan, folder: Path):
        self._folder = folder
        folder.mkdir(parents=True)
        write_verilog(plan, folder)
        write_bus_verilog(plan, "wishbone", folder)
        unused = [name for name in control_members(plan) if name.startswith(("s_load_t", "s_pixel_t"))]
        ports = "".join(f", .{name}(0)" for name in unused if not name.endswith("tready"))
        bench = resources.files(__package__).joinpath("host.sv").read_text().replace("@PORTS@", ports)
        (folder / "host.sv").write_text(bench)
        self._program = build_verilator(
            find_simulator("verilator"), folder, [*sorted(p.name for p in folder.glob("*.v")), "host.sv"]
        )

    def play(self, script: Script) -> list[str]:
        """Play a script from reset; returns a line for each read that was not as wanted."""
        (self._folder / "script.txt").write_text("".join(script.lines))
        tool = Tool("simulation", (str(self._program.resolve()),), "", str(self._program))
        run_tool(tool, [], self._folder, self._folder / "host.out")
        found = (self._folder / "host.log").read_text().split()
        if len(found) != len(script.wanted) or "hangs" in found:
            raise TwinspikeError(
                f"{self._folder}: the core hangs after {len(found)} of {len(script.wanted)} reads"
            )
        return [
            f"{what}: {got}, wanted {wanted:08x}"
            for (what, wanted), got in zip(script.wanted, found, strict=True)
            if wanted is not None and int(got, 16) != wanted
        ]
