"""Verilator's lint takes every kind of core as it is; with all warnings it and Icarus have nothing to say."""

import subprocess

import pytest
from support.lint import EVERYTHING, lint
from support.optional import needs
from support.tops import plans, write_tops

from twinspike.hw.emit.emit import TOP
from twinspike.hw.tools.toolchain import find_icarus


@pytest.mark.parametrize("kind", plans())
def test_lint_passes_without_options_and_with_all(kind, tmp_path):
    for top in write_tops(plans()[kind], tmp_path):
        assert lint(tmp_path, top) == ""
        assert lint(tmp_path, top, *EVERYTHING) == ""


@needs("icarus")
@pytest.mark.parametrize("kind", plans())
def test_icarus_has_no_warning(kind, tmp_path):
    for top in write_tops(plans()[kind], tmp_path):
        command = [*find_icarus().command, "-g2005", "-Wall", "-s", top, "-o", tmp_path / "top.vvp"]
        sources = sorted(tmp_path.glob("*.v"))
        done = subprocess.run([*command, *sources], capture_output=True, text=True, check=True)
        assert done.stdout + done.stderr == ""


def test_lint_still_finds_what_is_not_waived(tmp_path):
    write_tops(plans()["references"], tmp_path)
    path = tmp_path / f"{TOP}.v"
    path.write_text(path.read_text().replace(".clk(clk)", ".click(clk)", 1))
    assert "PINNOTFOUND" in lint(tmp_path, TOP)
