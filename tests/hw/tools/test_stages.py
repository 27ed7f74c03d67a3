"""What a person sees while yosys and nextpnr run."""

import sys
import time

import pytest

from twinspike.hw.tools import process
from twinspike.hw.tools.process import stage
from twinspike.hw.tools.stages import Stages
from twinspike.hw.tools.toolchain import Tool


def test_each_run_says_when_it_is_done_and_what_it_is_at(capsys):
    with Stages("up5k", 2) as stages:
        watch = stages.begin("yosys")
        watch("OPT_CLEAN")
        stages.done("yosys", "12 cells", 3.21)
        stages.done("nextpnr seed 1", "Fmax 50.0 MHz", 9.87)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "up5k: yosys: 12 cells (3.2 s)",
        "up5k: nextpnr seed 1: Fmax 50.0 MHz (kept; it took 9.9 s)",
    ]


def test_what_a_tool_is_at_is_read_from_the_end_of_its_log(tmp_path):
    log = tmp_path / "tool.log"
    log.write_text("")
    assert stage(log) == "starts"
    log.write_text(
        "1. Executing RTLIL frontend.\n2.1. Executing OPT_CLEAN pass (remove unused).\nRemoved 3\n"
    )
    assert stage(log) == "OPT_CLEAN"
    log.write_text("Info: Packing constants..\nInfo: Running simulated annealing placer for logic.\n")
    assert stage(log) == "Running simulated"


def test_a_tool_is_watched_while_it_runs_and_ended_on_ctrl_c(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "_WATCH_SECONDS", 0.05)
    tool = Tool("sleeper", (sys.executable, "-c"), "1", "here")
    log, seen = tmp_path / "log", []
    process.run_tool(
        tool,
        ["import time; print('Info: Routing now', flush=True); time.sleep(0.5)"],
        tmp_path,
        log,
        seen.append,
    )
    assert seen[-1] == "Routing"

    def interrupt(words):
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        process.run_tool(tool, ["import time; time.sleep(60)"], tmp_path, log, interrupt)
    assert time.monotonic() - began < 30
