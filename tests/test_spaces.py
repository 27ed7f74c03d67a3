"""Paths with spaces and quotes: `make`, which Verilator needs, takes none, yet every step works there."""

import dataclasses
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.networks import random_network
from support.packages import make, package
from support.simulation import assert_equal_and_on_time, input_spikes

from twinspike.api.networks import Net
from twinspike.cli import chosen
from twinspike.cli.main import main
from twinspike.flow.folders import Folders
from twinspike.hw.devices import device
from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.hw.tools.process import ToolFailed
from twinspike.hw.tools.synthesis import make_netlist, script
from twinspike.hw.tools.toolchain import Tool, find_verilator, find_yosys
from twinspike.numerics.files import replacing_folder
from twinspike.sim.bench import direct, runner, workplace
from twinspike.sim.bench.runner import Run, simulate
from twinspike.sim.bench.verilator import program

ROOT = Path(__file__).parent.parent
NAMES = ("my project", "it's $HOME; #1")


@pytest.fixture(scope="module")
def plan():
    return make_plan(random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3), (2, 3))


@pytest.mark.parametrize("name", NAMES)
def test_a_simulation_runs_there(name, plan, tmp_path, capfd):
    folder = tmp_path / name
    emit(plan, folder / "rtl")
    result = simulate(plan, folder / "rtl", input_spikes(1, 3, 4, 5), folder / "sim")
    assert_equal_and_on_time(result)
    built = re.escape(f"{folder / 'sim' / 'native'}/")
    said = capfd.readouterr().err
    assert re.search(built + r"[\w.]+: make takes no such path: built in a temporary folder\n", said), said


@pytest.mark.parametrize("name", NAMES)
def test_a_program_for_many_runs_is_built_there(name, plan, tmp_path):
    folder = tmp_path / name
    emit(plan, folder / "rtl")
    workshop = direct.Workshop(folder / "builds")
    command = workshop.command(plan, direct.shared_sources(plan, folder / "rtl"))
    assert Path(command[0]).is_file() and folder in Path(command[0]).parents
    assert workshop.command(plan, direct.shared_sources(plan, folder / "rtl")) == command
    assert workshop.built == 1


def test_tools_may_lie_there_too(plan, tmp_path, monkeypatch):
    tool, linked = find_verilator(), tmp_path / "my tools"
    if "VERILATOR_ROOT" not in tool.environment:
        pytest.skip("this Verilator knows its own folder")
    linked.mkdir()
    (linked / "verilator").symlink_to(tool.environment["VERILATOR_ROOT"])
    (linked / "python").symlink_to(shutil.which("python3"))
    environment = {**tool.environment, "VERILATOR_ROOT": str(linked / "verilator")}
    moved = dataclasses.replace(tool, environment=environment)
    monkeypatch.setattr(runner, "find_simulator", lambda _: moved)
    emit(plan, tmp_path / "rtl")
    spikes = input_spikes(1, 3, 4, 5)
    simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim", runs=[Run("all", 4)])
    (tmp_path / "c.sv").write_text("module clock; initial $finish; endmodule\n")
    assert direct.build_verilator(moved, tmp_path, ["c.sv"]).is_file()


def test_without_a_plain_place_for_temporary_files_there_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(workplace, "is_plain", lambda path: False)
    with (
        pytest.raises(workplace.TwinspikeError, match="takes no path with a space: set TMPDIR to a folder"),
        workplace.workplace(Tool("verilator", ("x",), "5", "PATH"), tmp_path),
    ):
        pass


def test_yosys_reads_a_design_from_there(plan, tmp_path):
    rtl, out = tmp_path / "my designs" / "rtl", tmp_path / "out"
    emit(plan, rtl)
    out.mkdir()
    _, cells, _ = make_netlist(find_yosys(), rtl / "harness.il", "harness", device("up5k"), out)
    assert cells["SB_LUT4"] > 0
    # What is kept of earlier runs stays valid elsewhere.
    assert script("../rtl/harness.il", "harness", device("up5k")).startswith("read_rtlil ../rtl/harness.il\n")


def test_the_log_that_an_error_names_is_there(plan, tmp_path):
    (tmp_path / "log").write_text("make: *** not so.  Stop.\n")
    tool = Tool("verilator", ("verilator",), "5", "PATH")
    with pytest.raises(ToolFailed) as caught, replacing_folder(tmp_path / "made") as work:
        shutil.copy(tmp_path / "log", work / "build.log")
        raise ToolFailed(tool, work / "build.log")
    named = re.fullmatch(r"verilator 5 failed: not so\.  ?Stop\. \(see (.+)\)", str(caught.value))[1]
    assert Path(named).read_text() == "make: *** not so.  Stop.\n" and Path(named) == caught.value.log
    # A real one, of a program that cannot be built.
    sources = direct.shared_sources(plan, emitted(plan, tmp_path / "rtl"))
    sources["twinspike_core.v"] += "module broken(;\n"
    with pytest.raises(ToolFailed, match="syntax error") as caught:
        direct.Workshop(tmp_path / "builds").command(plan, sources)
    assert "syntax error" in Path(re.search(r"\(see (.+)\)", str(caught.value))[1]).read_text()
    assert not [p for p in (tmp_path / "builds").iterdir() if p.is_dir()]


def emitted(plan, folder):
    emit(plan, folder)
    return folder


def test_the_log_of_a_bench_that_cannot_be_built_says_why(plan, tmp_path):
    rtl = emitted(plan, tmp_path / "rtl")
    (rtl / "broken.v").write_text("module broken(;\n")
    with pytest.raises(runner.TwinspikeError, match=r"cannot build the bench \(.*syntax error") as caught:
        simulate(plan, rtl, np.zeros((3, 1, 5), bool), tmp_path / "sim", bench="cocotb")
    assert Path(re.search(r"; see (.+)$", str(caught.value))[1]).is_file()


def test_a_package_works_there(plan, tmp_path):
    folder = tmp_path / "my project" / "ip"
    package(plan, folder)
    tool = find_verilator()
    status, said = make(
        folder / "tb",
        "stream",
        "SIM=verilator",
        f"VERILATOR={program(tool)} -CFLAGS -O0",
        environment=tool.env(),
    )
    assert status == 0 and "PASS\n" in said, said


def test_commands_that_are_printed_run_as_they_stand(plan, tmp_path, monkeypatch, capsys):
    images = np.zeros((2, *plan.network.shape), np.uint8), np.arange(2)
    monkeypatch.setattr(Net, "test_images", lambda *_: images)
    monkeypatch.setattr(
        chosen, "chosen_net", lambda _, out: Net(plan.network, None, Path(), Folders(Path(out)))
    )
    plan.network.save(tmp_path / "my project" / "network.safetensors")
    assert main(["ip", "--config", "digits", "--out", str(tmp_path / "my project")]) == 0
    command = shlex.split(capsys.readouterr().out.split("next: ")[1])
    assert command[:2] == ["make", "-C"] and Path(command[2], "Makefile").is_file() and len(command) == 3


@pytest.mark.parametrize("config", ["my net.toml", "a b/my net.toml", "digits", "mnist"])
def test_make_passes_a_path_on_as_one_word(config):
    done = subprocess.run(
        ["make", "-n", "sim", "ip", f"CONFIG={config}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if "twinspike sim" in line]
    if Path(ROOT / config).suffix == ".toml":
        # The file is not there: one line of make says which.
        assert f"No rule to make target '{config}'" in done.stderr and "overriding" not in done.stderr
    else:
        assert shlex.split(lines[0])[1:4] == ["sim", "--config", config]
