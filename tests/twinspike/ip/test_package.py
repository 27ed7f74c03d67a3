"""The IP package: complete, right in plain simulators, and honest where a vector is damaged."""

import contextlib
import dataclasses
import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.networks import counting, random_network
from support.optional import needs
from support.packages import ENVIRONMENT, VERILATOR, bench, in_each_simulator, make, package
from support.simulation import spram_case

import twinspike.hw.emit.emit as emitter
from twinspike.hw.bus.core_registers import core_registers
from twinspike.hw.bus.registers import REGISTERS
from twinspike.hw.plan import make_plan
from twinspike.ip.package import write_ip
from twinspike.numerics.errors import TwinspikeError

EXAMPLE = Path(__file__).parents[3] / "examples" / "soc"
_FIGURES = ("vectors.vh", "vectors.json", "ip.json")


@pytest.fixture(scope="module")
def plan():
    return make_plan(random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3), (2, 3))


@pytest.fixture(scope="module")
def folder(plan, tmp_path_factory):
    out = tmp_path_factory.mktemp("package") / "ip"
    package(plan, out)
    return out


@pytest.fixture(scope="module")
def built(folder):
    """The same package, and a function that runs its benches in Verilator, which compiles them once."""
    return folder, functools.cache(lambda: bench(folder, "verilator"))


@contextlib.contextmanager
def changed(path, change):
    """The file with its list of lines changed; as it was afterwards, for the benches are compiled once."""
    before = path.read_text()
    lines = before.splitlines()
    change(lines)
    path.write_text("\n".join(lines) + "\n")
    try:
        yield
    finally:
        path.write_text(before)


def test_the_folder_is_complete_and_every_file_states_its_licence(folder, plan):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {
        "README.md",
        "LICENSE",
        "ip.json",
        "registers.md",
        "registers.json",
        "twinspike_tiny.core",
        "rtl/twinspike_core.v",
        "rtl/twinspike_wishbone.v",
        "rtl/twinspike_axilite.v",
        "rtl/twinspike_registers.vh",
        "rtl/twinspike_components.vhd",
        "registers/twinspike_registers.h",
        "registers/twinspike_registers.rdl",
        "registers/twinspike_registers.svd",
        "registers/twinspike_registers.html",
        "registers/twinspike_wishbone.xml",
        "registers/twinspike_axilite.xml",
        "drawings/blocks.svg",
        "drawings/frame.svg",
        "drawings/axilite.svg",
        "drawings/wishbone.json",
        "litex/twinspike.py",
        "tb/Makefile",
        "tb/tb_stream.sv",
        "tb/tb_bus.sv",
        "tb/stimulus.mem",
        "tb/spikes.mem",
        "tb/results.mem",
        "tb/cycles.mem",
        "tb/vectors.vh",
        "constraints/clock.sdc",
        "constraints/ice40.pcf",
        "constraints/ecp5.lpf",
    } <= names
    for name in names:
        if Path(name).suffix in (".v", ".sv", ".vh", ".sdc", ".pcf", ".lpf", ".core") or "Makefile" in name:
            assert "SPDX-License-Identifier: Apache-2.0\n" in (folder / name).read_text()[:200], name
    assert "Apache License" in (folder / "LICENSE").read_text()
    # The bus tops instantiate the core's module; none repeats it.
    for bus in ("wishbone", "axilite"):
        text = (folder / f"rtl/twinspike_{bus}.v").read_text()
        instance = r"^\s*twinspike_core #\(\.MEMORIES\(MEMORIES\)\) \w+ \("
        assert len(re.findall(instance, text, re.MULTILINE)) == 1 and "layer0" not in text
    readme = (folder / "README.md").read_text()
    assert plan.network.content_hash in readme and "`wb_adr_i`" in readme and "Not placed yet" in readme
    offsets = {
        r["name"]: r["offset"] for r in json.loads((folder / "registers.json").read_text())["registers"]
    }
    assert offsets == {r.name: r.offset for r in core_registers(plan)}


@in_each_simulator
def test_all_benches_pass(built, simulator):
    folder, verilated = built
    status, said = verilated() if simulator == "verilator" else bench(folder, simulator)
    assert status == 0, said
    assert said.count("PASS\n") == 3
    assert "pass 1, random pauses: 4 results" in said


@in_each_simulator
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("stream", "results"),
        ("stream", "spikes"),
        ("stream", "cycles"),
        ("stream", "stimulus"),
        ("wishbone", "results"),
        ("axilite", "spikes"),
    ],
)
def test_a_damaged_vector_fails_the_bench(built, name, file, simulator):
    def damage(lines):
        # A stimulus without an address in its third line loses it; the others get another lowest bit.
        at = next(i for i, line in enumerate(lines) if file != "stimulus" or line.startswith("00")) + 1
        lines[at] = f"{int(lines[at], 16) ^ 1:0{len(lines[at])}x}"

    with changed(built[0] / f"tb/{file}.mem", damage):
        status, said = bench(built[0], simulator, name)
    assert status != 0 and "FAIL" in said and "should be" in said and "PASS\n" not in said


@pytest.fixture(scope="module")
def counted(plan, tmp_path_factory):
    """A package of a network without references."""
    out = tmp_path_factory.mktemp("counted") / "ip"
    package(make_plan(counting(plan.network), (2, 3)), out)
    return out


@in_each_simulator
def test_the_benches_of_a_network_without_references_pass(counted, simulator):
    for start in (0, 1) if simulator == "icarus" else (0,):
        status, said = bench(counted, simulator, f"START={start}")
        assert status == 0 and said.count("PASS\n") == 3, said
        assert simulator != "icarus" or "warning" not in said, said


def test_nothing_speaks_of_references_where_there_are_none(counted):
    # The benches are the same for every core, and vectors say how many there are: none.
    for path in counted.rglob("*"):
        text = path.suffix in (".md", ".json", ".vh", ".core", ".sdc", ".pcf", ".lpf")
        if path.is_file() and (text or path.name == "Makefile") and path.name not in _FIGURES:
            said = re.findall(r".*(?:reference|slot|COMMIT).*", path.read_text(), re.IGNORECASE)
            assert said == [], path


@needs("icarus")
def test_a_clock_that_begins_high_leaves_nothing_undefined(folder, slotted, tmp_path, monkeypatch):
    for package_folder in (folder, slotted[0]):
        status, said = bench(package_folder, "icarus", "START=1")
        assert status == 0 and said.count("PASS\n") == 3, said
    # Slots outlive a reset: yosys' own Verilog leaves them undefined at the edge at time 0.
    monkeypatch.setattr(emitter, "keep_unreset", lambda text: text)
    plan = make_plan(random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3), (2, 3))
    package(dataclasses.replace(plan, slots=5), tmp_path / "ip")
    assert bench(tmp_path / "ip", "icarus", "START=0")[0] == 0
    status, said = bench(tmp_path / "ip", "icarus", "START=1")
    assert status != 0 and re.search(r"m_result is \d*[xX]", said), said


@in_each_simulator
def test_a_core_of_several_events_a_clock_comes_with_streams_alone(tmp_path, simulator):
    network = random_network(6, timesteps=3, shape=(5,), widths=(6, 4), classes=3)
    summary = package(make_plan(network, events_per_clock=(2, 1)), tmp_path / "ip")
    assert summary["tops"] == ["twinspike_core"]
    assert not list(tmp_path.glob("ip/registers*")) and not (tmp_path / "ip/tb/tb_bus.sv").exists()
    assert "no tops with a bus" in (tmp_path / "ip/README.md").read_text()
    status, said = bench(tmp_path / "ip", simulator)
    assert status == 0 and said.count("PASS\n") == 1, said


@in_each_simulator
def test_the_benches_load_weights_and_leave_pixels_alone(tmp_path, simulator):
    plan, spikes = spram_case(64, 4)
    plan = dataclasses.replace(plan, slots=plan.references + 1, pixels=True)
    write_ip(plan, spikes[:, :1], np.arange(1), tmp_path / "ip")
    # A clock that begins high is the harder one for Icarus, which takes minutes for each.
    start = int(simulator == "icarus")
    status, said = bench(tmp_path / "ip", simulator, "stream", "wishbone", f"START={start}")
    assert status == 0 and said.count("PASS\n") == 2, said


@pytest.fixture(scope="module")
def slotted(plan, tmp_path_factory):
    """A package whose core has two slots beside its references, and a function as that of `built`."""
    out = tmp_path_factory.mktemp("slotted") / "ip"
    package(dataclasses.replace(plan, slots=plan.references + 2), out)
    return out, functools.cache(lambda: bench(out, "verilator", "axilite", "wishbone"))


@in_each_simulator
def test_the_benches_enrol_verify_and_clear(slotted, simulator):
    folder, verilated = slotted
    buses = ("axilite", "wishbone")
    status, said = verilated() if simulator == "verilator" else bench(folder, simulator, *buses)
    assert status == 0 and said.count("PASS\n") == 2, said
    steps = len((folder / "tb/slots.mem").read_text().split())
    assert steps > 50 and said.count(f"{steps} steps with slots") == 2


@in_each_simulator
@pytest.mark.parametrize("bus", ["axilite", "wishbone"])
def test_a_wrong_answer_among_the_slots_fails_the_bench(slotted, bus, simulator):
    # The distance of an enrolled frame to itself, which is 0, is expected to be 1.
    distance = next(f"{r.offset:03x}" for r in REGISTERS if r.name == "DISTANCE")
    answer = f"2{distance}ffffffff00000000"
    at = (slotted[0] / "tb/slots.mem").read_text().split().index(answer)

    def damage(lines):
        lines[at] = answer[:-1] + "1"

    with changed(slotted[0] / "tb/slots.mem", damage):
        status, said = bench(slotted[0], simulator, bus)
    assert status != 0 and "FAIL" in said and f"frame {at}: step is 0, should be 1" in re.sub(" +", " ", said)


@in_each_simulator
def test_the_example_system_reads_label_and_distance_over_wishbone(folder, tmp_path, simulator):
    arguments = [f"SIM={simulator}", f"OUT={tmp_path}", VERILATOR.format(folder)]
    status, said = make(EXAMPLE, f"IP={folder}", *arguments)
    assert status == 0 and "PASS\n" in said and "label" in said, said
    # A wrong answer is noticed.

    def damage(lines):
        lines[0] = f"{int(lines[0], 16) ^ 1:024x}"

    with changed(folder / "tb/results.mem", damage):
        status, said = make(EXAMPLE, f"IP={folder}", *arguments)
    assert status != 0 and "FAIL: golden label" in said


@pytest.mark.parametrize(
    ("target", "tool", "wanted"),
    [
        pytest.param("sim_axilite", [], "PASS\n", marks=needs("icarus")),
        ("sim_axilite", ["--tool=verilator"], "PASS\n"),
        ("lint", [], "lint-only"),
    ],
)
def test_fusesoc_runs_the_core_file(folder, tmp_path, target, tool, wanted):
    path = f"{folder / 'tb'}{os.pathsep}{ENVIRONMENT['PATH']}"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from fusesoc.main import main; sys.exit(main())",
            "--cores-root",
            str(folder),
            "run",
            f"--target={target}",
            "--build-root",
            str(tmp_path / "work"),
            "twinspike:ip:tiny",
            *tool,
        ],
        cwd=tmp_path,
        env=ENVIRONMENT | {"PATH": path, "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = done.stdout + done.stderr + "".join(p.read_text() for p in tmp_path.rglob("*.vc"))
    assert wanted in found


def test_a_folder_of_other_files_is_not_replaced(plan, tmp_path):
    (tmp_path / "mine").write_text("")
    with pytest.raises(TwinspikeError, match="is not a folder of an IP package"):
        package(plan, tmp_path)
    assert (tmp_path / "mine").exists()
