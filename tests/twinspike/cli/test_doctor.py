import io

import pytest
from rich.console import Console

from twinspike.cli import doctor
from twinspike.hw.tools import toolchain
from twinspike.numerics.errors import TwinspikeError


def run():
    console = Console(file=io.StringIO(), width=160)
    status = doctor.doctor(console)
    return status, console.file.getvalue()


def test_a_complete_installation_is_found_ready():
    status, text = run()
    assert status == 0
    for name in ("torch", "verilator", "yosys", "nextpnr-ice40", "g++", "digits", "mnist"):
        assert name in text
    assert text.rstrip().endswith("make demo can run")


def test_a_missing_tool_is_named_with_its_remedy(monkeypatch):
    def missing():
        raise TwinspikeError("yosys was not found: yosys 0.40 or later is needed; pip install pyosys")

    monkeypatch.setattr(toolchain, "find_yosys", missing)
    status, text = run()
    assert status == 1
    assert "pip install pyosys" in text
    assert "make demo cannot run yet: missing yosys" in text


@pytest.mark.parametrize("name", ["nextpnr-ecp5", "nextpnr-gowin", "icarus"])
def test_an_optional_tool_does_not_stop_the_demo(name, monkeypatch):
    def missing(*arguments):
        if arguments in ((), (name.removeprefix("nextpnr-"),)):
            raise TwinspikeError(f"{name} was not found")
        return toolchain.Tool("nextpnr-ice40", ("x",), "0.11", "PATH")

    monkeypatch.setattr(toolchain, "find_icarus" if name == "icarus" else "find_nextpnr", missing)
    status, text = run()
    assert status == 0
    assert f"{name} was not found" in text


def test_an_old_tool_that_was_passed_over_is_shown(monkeypatch):
    tool = toolchain.Tool("verilator", ("v",), "5.48.0", "package verilator", ("/usr/bin/verilator 5.006",))
    monkeypatch.setattr(toolchain, "find_verilator", lambda: tool)
    assert "passed over as too old: /usr/bin/verilator 5.006" in run()[1]


def test_data_that_is_not_there_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    status, text = run()
    assert status == 0
    assert "4 of 4 files absent or incomplete; put them there, or unset TWINSPIKE_DATA" in " ".join(
        text.split()
    )
