"""The LiteX module of a package: it builds, and its Verilog and the package's fit together."""

import importlib.util
import subprocess

import pytest
from migen.fhdl import verilog
from support.packages import package
from support.tops import plans

from twinspike.hw.emit.names import Names
from twinspike.hw.tools.toolchain import find_verilator
from twinspike.sim.bench.verilator import program


class Platform:
    """What the module asks of one."""

    def __init__(self):
        self.sources = []

    def add_source(self, path):
        self.sources.append(path)


@pytest.mark.parametrize("streams", [False, True])
def test_litex_builds_the_module_and_verilator_its_verilog(streams, tmp_path):
    folder = tmp_path / "ip"
    package(plans()["slots and pixels"], folder, 2, Names("faces"))
    spec = importlib.util.spec_from_file_location("faces", folder / "litex/faces.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    platform = Platform()
    faces = module.Faces(platform, streams=streams)
    bus = {getattr(faces.bus, name) for name in ("cyc", "stb", "we", "adr", "sel", "dat_w", "dat_r", "ack")}
    (tmp_path / "top.v").write_text(str(verilog.convert(faces, ios=bus, name="top")))
    assert sorted(platform.sources) == sorted(map(str, (folder / "rtl").glob("*.v")))
    text = (tmp_path / "top.v").read_text()
    assert f'.MEMORIES("{folder}/rtl/")' in text and ".wb_adr_i(bus_adr[11:0])" in text
    tool = find_verilator()
    lint = [program(tool), "--lint-only", "-Wno-fatal", "-Wno-WIDTH", "--top-module", "top", "top.v"]
    done = subprocess.run(
        [*lint, *platform.sources], cwd=tmp_path, env=tool.env(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "PIN" not in done.stderr, done.stderr
