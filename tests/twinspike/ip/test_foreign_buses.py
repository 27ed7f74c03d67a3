"""The tops of a package driven by bus models from elsewhere: cocotbext-axi and cocotbext-wishbone."""

import pytest
from cocotb_tools.runner import get_results, get_runner
from support.networks import random_network
from support.optional import needs
from support.packages import package

from twinspike.hw.plan import make_plan
from twinspike.hw.tools.toolchain import find_verilator
from twinspike.sim.bench.verilator import FastVerilator
from twinspike.sim.bench.workplace import workplace


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("package") / "ip"
    package(make_plan(random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3), (2, 3)), out, 8)
    return out


@pytest.mark.parametrize("simulator", ["verilator", pytest.param("icarus", marks=needs("icarus"))])
@pytest.mark.parametrize("top", ["twinspike_core", "twinspike_axilite", "twinspike_wishbone"])
def test_every_top_serves_masters_that_nobody_here_wrote(folder, top, simulator, tmp_path, monkeypatch):
    monkeypatch.setenv("PACKAGE", str(folder))
    with workplace(find_verilator(), tmp_path, folder) as place:
        for key, value in place.tool.env().items() if simulator == "verilator" else ():
            monkeypatch.setenv(key, value)
        runner = FastVerilator(place) if simulator == "verilator" else get_runner("icarus")
        runner.build(
            sources=sorted((folder / "rtl").glob("*.v")),
            hdl_toplevel=top,
            parameters={"MEMORIES": f'"{folder}/rtl/"'},
            build_args=["-Wno-fatal", "-CFLAGS", "-O0"] if simulator == "verilator" else ["-g2012"],
            build_dir=tmp_path,
            timescale=("1ns", "1ps"),
            log_file=tmp_path / "build.log",
        )
        report = runner.test(
            test_module="support.foreign_buses",
            hdl_toplevel=top,
            build_dir=tmp_path,
            test_dir=tmp_path,
            timescale=("1ns", "1ps"),
            log_file=tmp_path / "simulation.log",
            results_xml=str(tmp_path / "results.xml"),
        )
    assert get_results(report) == (1, 0), (tmp_path / "simulation.log").read_text()[-4000:]
