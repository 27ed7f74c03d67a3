"""Locks: the second waits and says so, or goes by; a killed holder holds nothing; shared folders have one."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support.networks import random_network

from twinspike.hw.devices import device
from twinspike.hw.emit.emit import emit
from twinspike.hw.link.plan import link_plan
from twinspike.hw.plan import make_plan
from twinspike.hw.tools import synthesis
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.files import replacing_folder
from twinspike.numerics.locks import alone_with, claimed
from twinspike.sim.bench import direct, runner
from twinspike.sim.board import board

HOLD = """
import sys, time
from pathlib import Path
from twinspike.numerics.locks import alone_with
with alone_with(Path(sys.argv[1])):
    print("in", flush=True)
    time.sleep(float(sys.argv[2]))
"""
REPLACE = """
import sys
from pathlib import Path
from twinspike.numerics.files import replacing_folder
for number in range(150):
    with replacing_folder(Path(sys.argv[1])) as work:
        for name in "ab":
            (work / name).write_text(f"{sys.argv[2]} {number}")
"""


@contextlib.contextmanager
def holder(path, seconds):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "in\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_second_waits_and_says_so(tmp_path, capsys):
    with holder(tmp_path / "x", 1.5):
        begin = time.monotonic()
        with alone_with(tmp_path / "x"):
            assert time.monotonic() - begin > 0.5
    assert capsys.readouterr().err == f"{tmp_path / 'x'}: another process is at work there: waiting for it\n"
    # Others are not in the way, nor is the same thread once more.
    with alone_with(tmp_path / "x"), alone_with(tmp_path / "x"), alone_with(tmp_path / "y"):
        assert capsys.readouterr().err == ""


def test_a_claim_goes_by_and_a_killed_holder_holds_nothing(tmp_path):
    with holder(tmp_path / "x", 60) as process:
        with claimed(tmp_path / "x") as mine:
            assert not mine
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with claimed(tmp_path / "x") as mine:
            assert mine


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(TwinspikeError, match="cannot be locked against other processes"),
        claimed(tmp_path / "file" / "x"),
    ):
        pass


def test_processes_that_replace_a_folder_at_once_leave_one_whole(tmp_path):
    folder = tmp_path / "made"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", REPLACE, str(folder), name], stderr=subprocess.PIPE, text=True
        )
        for name in ("one", "two", "three")
    ]
    assert [(process.communicate()[1], process.returncode) for process in both] == [("", 0)] * 3
    assert (folder / "a").read_text() == (folder / "b").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_folder_that_another_process_puts_in_place_meanwhile_steps_aside(tmp_path, monkeypatch):
    folder, rename, came = tmp_path / "made", Path.rename, []

    def meddling(self, target):
        if Path(target) == folder and not came:
            came.append(self)
            folder.mkdir()
            (folder / "theirs").write_text("")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", meddling)
    with replacing_folder(folder) as work:
        (work / "ours").write_text("")
    assert came and [path.name for path in folder.iterdir()] == ["ours"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.fixture(scope="module")
def plan():
    return make_plan(random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3), (2, 3))


class Seen(Exception):
    """Ends a step where it would begin its work."""


def looking_at(path):
    """A stand-in for a step's work that finds `path` locked, or else says so."""

    def look(*_, **__):
        with claimed(path) as mine:
            assert not mine, path
        raise Seen

    return look


def test_a_simulation_has_its_folder_alone(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "simulate_chunks", looking_at(tmp_path / "sim"))
    with pytest.raises(Seen):
        runner.simulate(plan, tmp_path / "rtl", np.zeros((3, 1, 5), bool), tmp_path / "sim")


def test_programs_are_built_once(plan, tmp_path, monkeypatch):
    emit(plan, tmp_path / "rtl")
    sources = direct.shared_sources(plan, tmp_path / "rtl")

    def look(tool, folder, _):
        name = folder.name.split(".")[1]  # of the folder that this one is to replace
        looking_at(folder.with_name(name))()

    monkeypatch.setattr(direct, "build_native", look)
    with pytest.raises(Seen):
        direct.Workshop(tmp_path / "builds").command(plan, sources)


def test_synthesis_has_its_folder_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(synthesis, "make_netlist", looking_at(tmp_path / "synth"))
    design, target = tmp_path / "x.il", device("up5k")
    with pytest.raises(Seen):
        synthesis.synthesise(design, "x", target, tmp_path / "synth", seeds=[1])
    with pytest.raises(Seen):
        synthesis.pack(design, "x", target, tmp_path / "synth")


def test_a_board_is_built_by_one(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(board, "find_verilator", looking_at(tmp_path / "board"))
    with pytest.raises(Seen):
        board.build(plan, link_plan(plan, buffer_bytes=1024, clock_mhz=0), "uart", tmp_path / "board", 8)


TWO = """
import sys, numpy
sys.path.append(sys.argv[2])
from pathlib import Path
from support.networks import random_network
from twinspike.hw.plan import make_plan
from twinspike.sim.bench.runner import Run, simulate
plan = make_plan(random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3), (2, 3))
folder, spikes = Path(sys.argv[1]), numpy.random.default_rng(0).random((3, 6, 5)) < 0.5
rows = simulate(plan, folder / "rtl", spikes, folder / "sim", runs=[Run("all", 6)])["runs"]
assert rows[0]["mismatches"] == 0 and rows[0]["cycles_predicted_equal"], rows
"""


def test_two_simulations_at_once_in_a_fresh_folder_are_both_right(plan, tmp_path):
    emit(plan, tmp_path / "rtl")
    both = [
        subprocess.Popen(
            [sys.executable, "-c", TWO, str(tmp_path), str(Path(__file__).parents[1])],
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in both:
        said = process.communicate()[1]
        assert process.returncode == 0, said


def test_a_folder_replaced_under_a_lock_keeps_the_lock(tmp_path):
    with alone_with(tmp_path / "x"):
        with replacing_folder(tmp_path / "x") as work:
            (work / "a").write_text("")
        with claimed(tmp_path / "x") as mine:
            assert not mine
