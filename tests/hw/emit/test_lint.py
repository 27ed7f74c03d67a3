"""Verilator's lint takes every kind of core without options, and with all of them has nothing to say."""

import dataclasses
import subprocess

import pytest
from support.networks import counting, random_network
from support.simulation import spram_case

from twinspike.hw.bus.top import BUSES
from twinspike.hw.emit.emit import TOP, write_bus_verilog, write_verilog
from twinspike.hw.plan import make_plan
from twinspike.hw.tools.toolchain import find_verilator

# All that Verilator has to say, but for the name that the files cannot waive (see hw/emit/verilog.py).
EVERYTHING = ("-Wall", "-Wno-PROCASSINIT")


def plans():
    network = random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3)
    plain = make_plan(network, (2, 3))
    return {
        "references": plain,
        "slots and pixels": dataclasses.replace(plain, slots=5, pixels=True),
        "counts": make_plan(counting(network), (2, 3)),
        "loaded weights": spram_case(64, 4)[0],
        "several events a clock": make_plan(network, banks=(2, 1)),
    }


def write_tops(plan, folder):
    """Write the core and its bus tops; returns the modules' names."""
    write_verilog(plan, folder)
    return [TOP, *(write_bus_verilog(plan, bus, folder) for bus in BUSES if plan.layers[0].banks <= 1)]


def lint(folder, top, *options):
    """What Verilator's lint says of module `top` of the Verilog in a folder: nothing, if it passes."""
    tool = find_verilator()
    sources = sorted(map(str, folder.glob("*.v")))
    done = subprocess.run(
        [*tool.command, "--lint-only", *options, "--top-module", top, *sources],
        capture_output=True, text=True, check=False, env=tool.env(),
    )  # fmt: skip
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("kind", plans())
def test_lint_passes_without_options_and_with_all(kind, tmp_path):
    for top in write_tops(plans()[kind], tmp_path):
        assert lint(tmp_path, top) == ""
        assert lint(tmp_path, top, *EVERYTHING) == ""


def test_lint_still_finds_what_is_not_waived(tmp_path):
    write_tops(plans()["references"], tmp_path)
    path = tmp_path / f"{TOP}.v"
    path.write_text(path.read_text().replace(".clk(clk)", ".click(clk)", 1))
    assert "PINNOTFOUND" in lint(tmp_path, TOP)
