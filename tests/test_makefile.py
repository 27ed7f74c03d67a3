"""The Makefile: what it hands on to the commands, and when."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def make(tmp_path):
    """Run make in an empty folder, where the commands are only printed; returns what it printed."""
    for name in ("numerics", "quant", "model", "hw", "sim", "twinspike"):
        (tmp_path / name).mkdir()
    for name in ("pyproject.toml", "constraints.txt", "twinspike/config.py", "ready"):
        (tmp_path / name).touch()

    def run(*arguments):
        words = ["make", "-s", "-f", ROOT / "Makefile", "READY=ready", "TS=echo twinspike", *arguments]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    run.folder = tmp_path
    return run


def test_help_has_a_group_for_users_and_one_for_maintainers(make):
    text = "\n".join(make("help"))
    users, maintainers = text.split("For those who work on twinspike itself:")
    for target in ("train", "rtl", "sim", "synth", "ip", "report", "bitstream", "explore", "doctor", "data"):
        assert f"\n  {target} " in users and f"\n  {target} " not in maintainers
    for target in ("test", "calibrate", "bench-hw", "recipes", "study", "oneshot", "docs", "fuzz", "netlist"):
        assert f"\n  {target} " in maintainers and f"\n  {target} " not in users


@pytest.mark.parametrize("name", ["sub/digits.toml", "sub/digits.TOML"])
def test_a_file_of_ones_own_is_handed_on_as_it_is(make, name):
    (make.folder / "sub").mkdir()
    (make.folder / name).touch()
    assert make("rtl", f"CONFIG={name}") == [
        f"twinspike train --config {name} --resume --shipped",
        f"twinspike rtl --config {name}",
    ]


def test_what_was_made_for_a_file_of_equal_name_is_out_of_date(make):
    build = make.folder / "build" / "mine"
    (build / "rtl").mkdir(parents=True)
    for folder in ("a", "b"):
        (make.folder / folder).mkdir()
        (make.folder / folder / "mine.toml").touch()
        os.utime(make.folder / folder / "mine.toml", (1, 1))
    make("rtl", "CONFIG=a/mine.toml")
    for made in ("network.safetensors", "rtl/rtl.json"):
        (build / made).touch()
    assert make("rtl", "CONFIG=a/mine.toml") == []
    assert make("rtl", "CONFIG=b/mine.toml") == ["twinspike rtl --config b/mine.toml"]


def test_pip_is_new_enough_before_anything_is_installed(make):
    lines = [line for line in make("-n", "env", "READY=missing") if "/pip install" in line]
    assert "'pip>=23.1'" in lines[0] and "-e .[dev]" in lines[1] and len(lines) == 2
