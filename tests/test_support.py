"""What tests share: optional tools are looked for, counted where missing, and can be hidden."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.optional import NEEDS, missing_lines, needs

ROOT = Path(__file__).parents[1]
HIDDEN = ("perl", "iverilog", "vvp", "verilator", "yosys", "nextpnr-ice40", "chromium", "google-chrome")


def bare(*command, **environment):
    """A command without the optional tools, as .ci/run runs the suite."""
    return subprocess.run(
        [ROOT / ".ci" / "bare", *command],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def skipped(reason):
    return SimpleNamespace(longrepr=("test_x.py", 1, f"Skipped: {reason}"))


def test_each_need_is_counted_and_named_with_its_remedy():
    reports = [skipped(NEEDS[name].reason) for name in ("icarus", "datasets", "icarus")]
    assert missing_lines([*reports, skipped("another reason")]) == [
        "2 tests need Icarus: apt install iverilog",
        "1 test needs the datasets: name their folder in TWINSPIKE_DATA",
    ]
    assert missing_lines([]) == []


def test_a_need_that_nobody_knows_is_an_error():
    with pytest.raises(KeyError, match="cannot need 'vcs': expected one of icarus, ghdl, chromium"):
        needs("vcs")


def test_tools_that_are_hidden_are_not_found_and_others_are(tmp_path):
    """Installed ones too: a folder with each of them is put on PATH."""
    for name in HIDDEN:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    look = "for name in {}; do command -v $name; done; command -v make; command -v sh; echo $CHROMIUM"
    found = bare(
        "sh",
        "-c",
        look.format(" ".join(HIDDEN)),
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        CHROMIUM="/usr/bin/chromium",
    )
    names = [Path(line).name for line in found.stdout.split()]
    assert names == ["make", "sh"], found


def test_the_status_of_a_hidden_run_is_the_commands():
    assert bare("sh", "-c", "exit 3").returncode == 3


@pytest.mark.parametrize("strict", [False, True])
def test_a_run_without_a_tool_says_what_it_lacks(strict):
    pytest_ = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/hw/readout/test_counts.py"]
    done = bare(*pytest_, "-m", "optional_tool", *["--no-skips"] * strict, PYTEST_ADDOPTS="")
    assert "\n3 tests need Icarus: apt install iverilog\n" in done.stdout, done
    assert "3 skipped" in done.stdout
    assert done.returncode == strict


def test_programs_of_the_system_are_told_from_other_needs():
    """`-m optional_tool` selects what .ci/run installs with apt."""
    assert {name for name, need in NEEDS.items() if need.program} == {"icarus", "ghdl", "chromium"}
