"""IP packages with names of their own stand in one design: nothing of one is called as in the other."""

import json
import re
import shutil
import subprocess

import pytest
from support.conv_cores import held_network
from support.networks import counting, random_network
from support.optional import needs
from support.packages import make, package
from support.simulation import spram_case

from twinspike.cli.main import main
from twinspike.hw.emit.emit import write_verilog
from twinspike.hw.emit.names import USUAL, Names
from twinspike.hw.plan import make_plan
from twinspike.hw.tools.toolchain import find_icarus, find_verilator
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.bench.verilator import program

FRAMES = 3
_TOP = """
module top;
    reg clk = 0, rst = 1;
    always #5 clk = !clk;
    {cores}
    initial begin
        repeat (4) @(negedge clk);
        rst = 0;
        repeat (5000) @(negedge clk);
        if ({counted}) $fatal(1, "FAIL");
        $display("PASS");
        $finish;
    end
endmodule
"""
_CORE = """
    reg [16:0] {n}_beats [0:{beats}-1];
    reg [95:0] {n}_wanted [0:{frames}-1];
    integer {n}_at = 0, {n}_seen = 0;
    wire {n}_ready, {n}_valid;
    wire [95:0] {n}_result;
    initial begin
        $readmemh("{n}_stimulus.mem", {n}_beats);
        $readmemh("{n}_results.mem", {n}_wanted);
    end
    {n} #(.MEMORIES("{folder}/")) {n}_core (
        .clk(clk), .rst(rst), .s_axis_tdata({n}_beats[{n}_at][15:0]), .s_axis_tlast({n}_beats[{n}_at][16]),
        .s_axis_tvalid(!rst && {n}_at < {beats}), .s_axis_tready({n}_ready), .m_axis_tready(1'b1),
        .m_result_tready(1'b1), .m_result_tvalid({n}_valid), .m_result_tdata({n}_result), .error_clear(1'b0)
    );
    {n}_wishbone #(.MEMORIES("{folder}/")) {n}_on_wishbone (.clk(clk), .rst(rst));
    {n}_axilite #(.MEMORIES("{folder}/")) {n}_on_axilite (.clk(clk), .rst(rst));
    always @(posedge clk) if (!rst) begin
        if ({n}_ready && {n}_at < {beats}) {n}_at <= {n}_at + 1;
        if ({n}_valid) begin
            if ({n}_result !== {n}_wanted[{n}_seen]) $fatal(1, "FAIL");
            {n}_seen <= {n}_seen + 1;
        end
    end
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Folders of two packages by their names, of networks of different kinds, shapes and readouts."""
    out = tmp_path_factory.mktemp("pair")
    one = make_plan(random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3), (2, 3))
    two = make_plan(counting(held_network()), (4, 2))
    for name, plan in (("first", one), ("second_2", two)):
        package(plan, out / name, FRAMES, Names(name))
    return {name: out / name for name in ("first", "second_2")}


def test_no_module_file_or_macro_of_one_is_in_the_other(pair):
    seen = []
    for name, folder in pair.items():
        verilog = [path.read_text() for path in (folder / "rtl").glob("*.v")]
        modules = {m for text in verilog for m in re.findall(r"^module (\w+)", text, re.MULTILINE)}
        files = {path.name for path in (folder / "rtl").iterdir()}
        read = {f for text in verilog for f in re.findall(r'\$readmem[bh]\("([^"]+)"', text)}
        macros = set(re.findall(r"`define (\w+)", (folder / f"rtl/{name}_registers.vh").read_text()))
        assert read == {f for f in files if f.endswith(".mem")}
        assert {name, f"{name}_wishbone", f"{name}_axilite"} <= modules
        assert all(m.startswith(name) for m in modules | files)
        assert macros and all(m.startswith(f"{name.upper()}_") for m in macros)
        assert json.loads((folder / "ip.json").read_text())["tops"][0] == name
        core = (folder / f"twinspike_{name}.core").read_text()
        assert (
            f"twinspike:ip:{name}:" in core
            and {"first": "(5-6-4, ", "second_2": "(4x5x1-3x2x3-4, "}[name] in core
        )
        texts = [p.read_text() for p in folder.rglob("*") if p.is_file() and p.name != "LICENSE"]
        assert not any(re.search("twinspike_(?:core|wishbone|axilite|registers)", text) for text in texts)
        seen.append(modules | files | macros)
    assert not seen[0] & seen[1]


@needs("icarus")
def test_their_own_benches_pass(pair):
    for folder in pair.values():
        status, said = make(folder / "tb")
        assert status == 0 and said.count("PASS\n") == 3, said


@pytest.mark.parametrize("simulator", [pytest.param("icarus", marks=needs("icarus")), "verilator"])
def test_two_packages_run_side_by_side_in_one_design(pair, simulator, tmp_path):
    cores = ""
    for name, folder in pair.items():
        for file in ("stimulus.mem", "results.mem"):
            shutil.copy(folder / "tb" / file, tmp_path / f"{name}_{file}")
        beats = len((folder / "tb/stimulus.mem").read_text().split())
        cores += _CORE.format(n=name, beats=beats, frames=FRAMES, folder=folder / "rtl")
    counted = " || ".join(f"{name}_seen != {FRAMES}" for name in pair)
    (tmp_path / "top.sv").write_text(_TOP.format(cores=cores, counted=counted))
    sources = ["top.sv", *(str(p) for folder in pair.values() for p in sorted((folder / "rtl").glob("*.v")))]
    if simulator == "icarus":
        tool = find_icarus()
        build = [*tool.command, "-g2012", "-s", "top", "-o", "top.vvp", *sources]
        simulate = ["vvp", "-n", "top.vvp"]
    else:
        tool = find_verilator()
        options = ["--binary", "--timing", "-Wno-fatal", "-CFLAGS", "-O0", "--top-module", "top"]
        build, simulate = [program(tool), *options, *sources], ["./obj_dir/Vtop"]
    for command in (build, simulate):
        done = subprocess.run(
            command, cwd=tmp_path, env=tool.env(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    # Each found its images where they lie.
    assert "PASS\n" in done.stdout and "readmem" not in done.stdout + done.stderr


def test_two_cores_with_loaded_weights_share_the_model_of_the_ram(tmp_path):
    plan, top = spram_case(64, 4)[0], "module top;\n"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_verilog(plan, tmp_path / name, Names(name))
        assert (tmp_path / name / f"{name}_weights.mem").is_file()
        top += f"    {name} {name}_core ();\n"
    (tmp_path / "top.v").write_text(top + "endmodule\n")
    tool = find_verilator()
    sources = [tmp_path / "top.v", *sorted(tmp_path.glob("*/*.v"))]
    done = subprocess.run(
        [program(tool), "--lint-only", "-Wno-PINMISSING", "--top-module", "top", *map(str, sources)],
        env=tool.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr


@pytest.mark.parametrize("name", ["2nd", "a-b", "a b", "_a", "wire", "union", "x" * 65, "é", "a\n"])
def test_a_name_that_is_no_identifier_is_refused(name, tmp_path, capsys):
    with pytest.raises(TwinspikeError, match="is not allowed: expected an identifier of Verilog and C"):
        Names(name)
    assert main(["ip", "--config", "digits", "--out", str(tmp_path), "--name", name]) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not list(tmp_path.iterdir())


def test_without_a_name_everything_is_called_as_ever():
    assert (USUAL.core, USUAL.bus("axilite"), USUAL.macro) == (
        "twinspike_core",
        "twinspike_axilite",
        "TWINSPIKE",
    )
    assert USUAL.file("weights.mem") == "weights.mem" and USUAL.rename("`TWINSPIKE_ID") == "`TWINSPIKE_ID"
