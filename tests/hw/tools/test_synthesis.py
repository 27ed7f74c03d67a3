"""A small accumulator with a memory, placed for real; devices too small for it, made up."""

import dataclasses
import json

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib.memory import Memory

from twinspike.hw.devices import device
from twinspike.hw.tools import nextpnr, synthesis
from twinspike.hw.tools.process import ToolFailed
from twinspike.hw.tools.synthesis import synthesise
from twinspike.hw.tools.toolchain import find_yosys
from twinspike.numerics.errors import TwinspikeError


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    """RTLIL of: total[address] += 1, read back; the word of a colliding read is not used."""
    m = Module()
    address, total, delayed = Signal(8), Signal(8), Signal(8)
    m.submodules.memory = memory = Memory(shape=8, depth=256, init=[])
    read, write = memory.read_port(), memory.write_port()
    m.d.comb += [read.addr.eq(address), write.addr.eq(delayed), write.data.eq(total), write.en.eq(1)]
    m.d.sync += [delayed.eq(address), total.eq(read.data + 1)]
    path = tmp_path_factory.mktemp("design") / "harness.il"
    path.write_text(rtlil.convert(m, ports=[address, total], name="harness"))
    return path


@pytest.fixture(scope="module")
def placed(design, tmp_path_factory):
    out = tmp_path_factory.mktemp("up5k")
    return out, synthesise(
        design, "harness", device("up5k"), out, seeds=(1, 2), jobs=1, provenance={"network": "abc"}
    )


def test_figures_of_a_placed_design(placed):
    out, result = placed
    assert result == json.loads((out / "synth.json").read_text())
    assert (result["ram_blocks"], result["ram_blocks_available"]) == (1, 30)
    assert 16 <= result["logic_cells"] <= 40
    assert result["cells"]["SB_RAM40_4K"] == 1
    assert len(result["fmax_mhz"]) == len(result["nextpnr_seconds"]) == 2
    assert 10 < result["fmax_min_mhz"] <= result["fmax_median_mhz"] <= result["fmax_max_mhz"] < 200
    assert set(result["tools"]) == {"yosys", "nextpnr-ice40"}
    assert result["provenance"] == {"network": "abc"}


def test_packing_alone_gives_the_cells_that_placing_does(design, placed, monkeypatch):
    out, result = placed
    packed = synthesis.pack(design, "harness", device("up5k"), out)
    assert packed == {key: result[key] for key in ("logic_cells", "ram_blocks", "spram", "dsp")}
    monkeypatch.setattr(nextpnr, "run_tool", lambda *_: pytest.fail("a tool was run"))
    assert synthesis.pack(design, "harness", device("up5k"), out) == packed


def test_collisions_cost_no_logic(placed):
    # Emulating "old word on a collision" takes two flip-flops per bit: 16 beside the design's own 16.
    assert placed[1]["flipflops"] == 16


def test_nothing_unchanged_is_run_again(design, placed, monkeypatch):
    def refuse(*_):
        raise AssertionError("a tool was run")

    monkeypatch.setattr(synthesis, "run_tool", refuse)
    monkeypatch.setattr(nextpnr, "run_tool", refuse)
    out, result = placed
    again = synthesise(design, "harness", device("up5k"), out, seeds=(1, 2), provenance={"network": "abc"})
    assert again == result
    with pytest.raises(AssertionError, match="a tool was run"):
        synthesise(design, "harness", device("up5k"), out, seeds=(1, 2, 3))


def test_a_seed_without_places_is_left_out(design, tmp_path, monkeypatch, capsys):
    """Seed 2 finds none, as nextpnr says it of a device that is nearly full; without any it is an error."""
    real, full = nextpnr.run_tool, [2]

    def crowded(tool, command, folder, log, *rest):
        if "--seed" in command and int(command[-1]) in full:
            said = (folder / "seed1.log").read_text()
            log.write_text(said + "ERROR: Unable to find legal placement for all cells\n")
            raise ToolFailed(tool, log)
        return real(tool, command, folder, log, *rest)

    monkeypatch.setattr(nextpnr, "run_tool", crowded)
    result = synthesise(design, "harness", device("up5k"), tmp_path, seeds=(1, 2, 3), jobs=1)
    assert result["seeds"] == [1, 3] and len(result["fmax_mhz"]) == 2
    assert "up5k, seed 2: nearly every cell is taken" in capsys.readouterr().err
    full += [1, 3, 4]
    with pytest.raises(nextpnr.Unplaced, match="no places were found"):
        synthesise(design, "harness", device("up5k"), tmp_path, seeds=(4,), jobs=1)


def test_an_interrupted_synthesis_is_not_taken_for_the_older_one(design, placed, tmp_path, monkeypatch):
    for name in ("netlist.json", "netlist.stamp.json", "synth.json"):
        (tmp_path / name).write_bytes((placed[0] / name).read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(synthesis, "run_tool", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            synthesise(design, "harness", device("ecp5-25k"), tmp_path)
    assert not (tmp_path / "synth.json").exists()
    assert not (tmp_path / "netlist.stamp.json").exists()


def test_too_many_ram_blocks_are_refused_before_placing(design, placed):
    small = dataclasses.replace(device("up5k"), ram_blocks=0)
    crowded = {"SB_RAM40_4K": 33, "SB_LUT4": 10}
    synthesis._check_netlist(small, placed[1]["cells"])
    with pytest.raises(TwinspikeError, match=r"needs 33 of 30 EBR blocks \(3 too many\); use fewer lanes"):
        synthesis._check_netlist(device("up5k"), crowded)


def test_too_many_logic_cells_are_counted_from_nextpnrs_table(tmp_path):
    log = tmp_path / "seed1.log"
    log.write_text(
        "Info: Device utilisation:\n"
        "Info: \t         ICESTORM_LC:    6012/   5280   113%\n"
        "Info: \t        ICESTORM_RAM:      29/     30    96%\n"
        "ERROR: Unable to place cell 'x', no Bels remaining of type 'ICESTORM_LC'\n"
    )
    with pytest.raises(TwinspikeError, match=r"6,012 of 5,280 logic cells \(732 too many\)"):
        nextpnr.check_fit(device("up5k"), nextpnr._logged_utilisation(log, device("up5k")))


def test_ecp5_maps_the_memory_without_extra_flipflops(design, tmp_path):
    _, cells, _ = synthesis.make_netlist(find_yosys(), design, "harness", device("ecp5-25k"), tmp_path)
    assert cells["TRELLIS_FF"] == 16
    assert cells.get("DP16KD", 0) + cells.get("TRELLIS_DPR16X4", 0) >= 1


def test_gowin_has_pins_of_its_own_and_a_clock_that_is_stated_with_care(design, tmp_path):
    chip = device("gw1n-9c")
    found = synthesise(design, "harness", chip, tmp_path, seeds=(1,))
    reported = json.loads((tmp_path / "seed1.json").read_text())["fmax"]
    assert found["fmax_mhz"] == [round(0.8 * min(clock["achieved"] for clock in reported.values()), 2)]
    assert found["logic_cells"] > 0 and found["flipflops"] >= 16
    assert synthesis.pack(design, "harness", chip, tmp_path)["ram_blocks"] == found["ram_blocks"]
    # The clock has a pin that leads to the global network; a block RAM with two full ports is not timed.
    assert (tmp_path / "free.cst").read_text().startswith('IO_LOC "clk" 52;\n')
    assert not {"DPB", "DPX9B"} & set(found["cells"])


def test_a_design_with_more_ports_than_a_package_has_pins(design, tmp_path):
    few = dataclasses.replace(device("gw1n-9c"), free_pins=(52, 53))
    with pytest.raises(TwinspikeError, match=r"netlist\.json has \d+ ports: gw1n-9c .* has 2 pins"):
        synthesise(design, "harness", few, tmp_path, seeds=(1,))


def test_yosys_own_words_reach_the_user(design, tmp_path):
    with pytest.raises(TwinspikeError, match=r"yosys .* failed: Module `nobody' not found.*yosys\.log"):
        synthesise(design, "nobody", device("up5k"), tmp_path)
    assert not (tmp_path / "synth.json").exists()


def test_a_netlist_with_an_output_tied_to_a_constant_is_refused(design, tmp_path, monkeypatch):
    real = synthesis.run_tool

    def warn(tool, arguments, folder, log, watch=None):
        seconds = real(tool, arguments, folder, log, watch)
        with log.open("a") as file:
            file.write("Warning: Driver-driver conflict for q between cell table.DOA9 and constant 1'0\n")
        return seconds

    monkeypatch.setattr(synthesis, "run_tool", warn)
    with pytest.raises(TwinspikeError, match=r"tied a cell's output to a constant.*yosys\.log"):
        synthesise(design, "harness", device("up5k"), tmp_path, seeds=(1,))
    assert not (tmp_path / "netlist.stamp.json").exists()


def test_a_missing_design_names_the_step_that_makes_it(tmp_path):
    with pytest.raises(TwinspikeError, match=r"harness\.il does not exist.*make rtl"):
        synthesise(tmp_path / "harness.il", "harness", device("up5k"), tmp_path / "out")
