"""Verilator's lint of Verilog in a folder."""

import subprocess

from twinspike.hw.tools.toolchain import find_verilator
from twinspike.sim.bench.verilator import program

# All that Verilator has to say, but for the name that the files cannot waive (see hw/emit/verilog.py).
EVERYTHING = ("-Wall", "-Wno-PROCASSINIT")


def lint(folder, top, *options):
    """What Verilator's lint says of module `top` of the Verilog in a folder: nothing, if it passes."""
    tool = find_verilator()
    sources = sorted(map(str, folder.glob("*.v")))
    done = subprocess.run(
        [program(tool), "--lint-only", *options, "--top-module", top, *sources],
        capture_output=True,
        text=True,
        check=False,
        env=tool.env(),
    )
    return done.stdout + done.stderr if done.returncode else ""
