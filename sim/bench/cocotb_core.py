"""The cocotb test that runs inside the simulator: resets, starts each run and waits for its end.

Which runs there are stands in runs.json in the simulation's folder. The logs that the bench
writes are compared with the golden model afterwards, in sim/bench/runner.py.
"""

import json
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge

PERIOD_NS = 10
# Clocks without any result after which a run is given up: far longer than any frame takes.
PATIENCE = 1_000_000


@cocotb.test()
async def frames(dut):
    """Every run sends its frames and receives as many results and as many frames of spikes."""
    runs = json.loads(Path("runs.json").read_text())
    dut.rst.value = 1
    for name in (
        "run",
        "frames",
        "whole",
        "isolate",
        "stall_source",
        "stall_spikes",
        "stall_result",
        "hold_from",
        "hold_for",
        "seed",
    ):
        getattr(dut, name).value = 0
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start()
    for number, run in enumerate(runs):
        dut.rst.value = 1
        dut.run.value = number
        dut.frames.value = run["frames"]
        dut.isolate.value = run["isolate"]
        dut.stall_source.value = run["stall_source"]
        dut.stall_spikes.value = run["stall_sinks"]
        dut.stall_result.value = run["stall_sinks"]
        await ClockCycles(dut.clk, 3)
        dut.rst.value = 0
        await _finish(dut, run["name"])
        assert int(dut.error_flags.value) == 0, f"run {run['name']}: error flags {dut.error_flags.value}"


async def _finish(dut, name):
    """Wait for `finished`; a core that gives no further result for PATIENCE clocks has hung."""
    finished = RisingEdge(dut.finished)
    before = -1
    while await First(finished, ClockCycles(dut.clk, PATIENCE)) is not finished:
        done = int(dut.done.value)
        assert done != before, f"run {name} hangs: {done} results, none for {PATIENCE} clocks"
        before = done
