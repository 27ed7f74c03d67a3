"""Simulation without Python beside the simulator: one small program a core, kept and used again.

The program reads its memory images, stimulus and runs from the folder in which it is started, so
networks that differ in these alone share it. With Verilator it is C++ (sim/bench/native.py), with Icarus
driver.sv.
"""

import dataclasses
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path

from ...hw.core.ingress import ERRORS
from ...hw.emit.emit import TOP
from ...hw.plan import CorePlan
from ...hw.tools.process import run_tool
from ...hw.tools.toolchain import Tool
from ...numerics.errors import TwinspikeError
from ...numerics.files import replacing_folder
from ...numerics.locks import alone_with
from .bench import STIMULUS, bench_source
from .native import DRIVER, FAST, OPTIONS, build_native, build_program, driver_source
from .simulators import find_simulator

_VERILATOR = ("--binary", "--timing", *FAST)
_LONGEST_RUN_SECONDS = 600


@dataclasses.dataclass(frozen=True)
class Pass:
    """One run of the stimulus through the core; the inputs of sim/bench/bench.sv are described there.

    `frames` are sent, or with `whole` expected; `reset_at` (if not 0) is the clock of a reset, after which
    everything starts again; after `patience` clocks in which nothing moves the run is given up.
    """

    frames: int
    whole: bool = False
    isolate: bool = False
    stall_source: int = 0
    stall_spikes: int = 0
    stall_result: int = 0
    hold_from: int = 0
    hold_for: int = 0
    seed: int = 0
    reset_at: int = 0
    patience: int = 100_000

    def line(self) -> str:
        """Its line in runs.mem."""
        return " ".join(f"{int(value):x}" for value in dataclasses.astuple(self)) + "\n"

    @property
    def undisturbed(self) -> bool:
        """Whether hw/predict/cycles.py foretells its clocks."""
        return not (
            self.whole or self.stall_source or self.stall_spikes or self.stall_result or self.hold_for
        )


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What driver.sv saw at the end of a run."""

    finished: bool
    results: int
    error_flags: int


class Workshop:
    """Builds simulators into `folder`, each once; `built` counts them."""

    def __init__(self, folder: Path, simulator: str = "verilator", keep: int = 200):
        self._folder = folder
        self._simulator = simulator
        self._tool = find_simulator(simulator)
        self._keep = keep
        self.built = 0

    def command(
        self, plan: CorePlan, verilog: dict[str, str], *, inside: bool = True, options: Sequence[str] = ()
    ) -> list[str]:
        """The program that simulates the core of `plan` in the Verilog sources, built unless it is there.

        `verilog` maps file names to texts, `options` go to the simulator; not `inside`: see bench_source.
        """
        sources = dict(verilog)
        sources["bench.sv"] = bench_source(plan, inside=inside)
        native = self._simulator == "verilator"
        if native:
            sources[DRIVER] = driver_source()
        else:
            sources["driver.sv"] = _resource("driver.sv").replace("@FLAGS@", str(len(ERRORS) - 1))
            sources["clock.sv"] = _resource("clock.sv")
        said = [self._simulator, self._tool.version, *OPTIONS, *options]
        said += [f"{name}\n{text}" for name, text in sources.items()]
        folder = self._folder / hashlib.sha256("\0".join(said).encode()).hexdigest()[:24]
        with alone_with(folder):
            if not folder.is_dir():
                with replacing_folder(folder) as work:
                    for name, text in sources.items():
                        (work / name).write_text(text)
                    build = build_native if native else _build_icarus
                    build(self._tool, work, [*options, *sources])
                self.built += 1
                self._forget()
            os.utime(folder)
        return _commands(self._tool, self._simulator, folder.resolve())

    def _forget(self) -> None:
        """Remove the programs that were not used for the longest time."""
        kept = sorted((p for p in self._folder.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
        for old in kept[: -self._keep]:
            shutil.rmtree(old, ignore_errors=True)


def shared_sources(plan: CorePlan, rtl: Path) -> dict[str, str]:
    """The Verilog in folder `rtl` without what tells its network from others of the same shape."""
    sources = {path.name: path.read_text() for path in sorted(rtl.glob("*.v"))}
    text = sources[f"{TOP}.v"]
    literal = f"64'h{plan.network.content_hash[:16]}"
    sources[f"{TOP}.v"] = text[text.index("\nmodule ") :].replace(literal, "64'h0")
    return sources


def run(
    command: Sequence[str],
    memories: Mapping[str, str],
    stimulus: Iterable[str],
    passes: Sequence[Pass],
    folder: Path,
    seconds: float | None = _LONGEST_RUN_SECONDS,
) -> list[Outcome]:
    """Send the lines of `stimulus` (see sim/bench/bench.py) once a pass; logs are left in `folder`.

    `memories` are the images, file name -> text. Raises TwinspikeError if the simulation breaks off, or
    takes longer than `seconds`.
    """
    folder.mkdir(parents=True)
    for name, text in memories.items():
        (folder / name).write_text(text)
    (folder / STIMULUS).write_text("".join(stimulus))
    (folder / "runs.mem").write_text("".join(one.line() for one in passes))
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise TwinspikeError(f"{folder}: the simulation does not end") from None
    lines = (folder / "outcomes.log").read_text().splitlines() if done.returncode == 0 else []
    if len(lines) != len(passes):
        raise TwinspikeError(
            f"{folder}: the simulation broke off after {len(lines)} of {len(passes)} runs: "
            f"{(done.stdout + done.stderr)[-300:]}"
        )
    return [Outcome(f == "1", int(n, 16), int(e, 16)) for f, n, e, _ in map(str.split, lines)]


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text()


def build_verilator(tool: Tool, folder: Path, sources: list[str]) -> Path:
    """Build module `clock` of `sources` (options of Verilator may stand among them); returns the program."""
    return build_program(tool, folder, sources, top="clock", options=_VERILATOR, jobs=1)


def _build_icarus(tool: Tool, folder: Path, sources: list[str]) -> None:
    run_tool(tool, ["-g2012", "-s", "clock", "-o", "simulate", *sources], folder, folder / "build.log")


def _commands(tool: Tool, simulator: str, folder: Path) -> list[str]:
    made = str(folder / "simulate")
    return [made] if simulator == "verilator" else [str(Path(tool.command[0]).with_name("vvp")), "-n", made]
