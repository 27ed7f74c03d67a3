"""A core with a step timer in its package: its timer at rest, every bench passes, to the clock."""

import re

import pytest
from amaranth.lib.wiring import In
from support.networks import random_network
from support.packages import bench, in_each_simulator, package

from twinspike.hw.core.step_timer import PORTS
from twinspike.hw.plan import make_plan


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    plan = make_plan(
        random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3), (2, 3), step_timer=5000
    )
    out = tmp_path_factory.mktemp("timed") / "ip"
    package(plan, out)
    return out


@in_each_simulator
def test_all_benches_pass_with_the_timer_at_rest(folder, simulator):
    status, said = bench(folder, simulator)
    assert status == 0 and said.count("PASS\n") == 3, said


def test_ports_and_registers_of_the_timer_are_described(folder):
    core = (folder / "rtl" / "twinspike_core.v").read_text()
    for name, (flow, _) in PORTS.items():
        way = "input" if flow.flow is In else "output"
        assert re.search(rf"^  {way} +(wire|reg) +(\[\d+:0\] )?{name}( = 1'h0)?,?$", core, re.MULTILINE), name
    registers = (folder / "registers.md").read_text()
    assert "`STEP_LOSSES`" in registers and "clocks of a time step" in registers and "`0x1388`" in registers
    assert "TWINSPIKE_STEP_TIMER 12'h0a4" in (folder / "rtl" / "twinspike_registers.vh").read_text()
