"""The compiled bench: sees what the one under cocotb sees, in chunks as well, and finds what is wrong."""

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.networks import counting
from support.simulation import assert_equal_and_on_time, input_spikes, network_of, spram_case

from twinspike.hw.emit.emit import TOP, emit
from twinspike.hw.plan import make_plan
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.bench import chunks, runner, runs
from twinspike.sim.bench.direct import Workshop
from twinspike.sim.bench.runner import Run, simulate

LAYERS = ((9, {"weight_bits": 3, "state_bits": 6}), (5, {"weight_bits": 4, "state_bits": 7, "reset": "zero"}))
FRAMES = 8


def case(kind):
    """(plan, input spikes) of a small core."""
    if kind == "loaded":
        return spram_case(64, 4)
    network = network_of(5, 11, 6, 3, *LAYERS)
    spikes = input_spikes(5, 6, FRAMES, 11)
    match kind:
        case "counts":
            return make_plan(counting(network), (2, 5)), spikes
        case "wide":
            return make_plan(network, events_per_clock=(2, 1)), spikes
        case "slots":
            return make_plan(network, (4, 2), slots=4), spikes
    return make_plan(network, (4, 2)), spikes


@pytest.mark.parametrize("kind", ["serial", "wide", "loaded", "slots", "counts"])
def test_both_benches_see_the_same(kind, tmp_path):
    plan, spikes = case(kind)
    emit(plan, tmp_path / "rtl")
    native, cocotb = (
        simulate(plan, tmp_path / "rtl", spikes, tmp_path / bench, bench=bench) for bench in runner.BENCHES
    )
    assert_equal_and_on_time(native)
    assert [row.pop("bench") for row in native["runs"]] == ["native"] * 3
    assert [row.pop("bench") for row in cocotb["runs"]] == ["cocotb"] * 3
    # To the clock of every frame.
    assert native["runs"] == cocotb["runs"]


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """(plan, spikes, RTL, folder) of a core that the tests below share, built once."""
    folder = tmp_path_factory.mktemp("serial")
    plan, spikes = case("serial")
    emit(plan, folder / "rtl")
    return plan, spikes, folder / "rtl", folder / "sim"


@pytest.fixture
def chunked(monkeypatch):
    """Three frames a chunk."""
    monkeypatch.setattr(chunks, "CHUNK", 3)


BACK_TO_BACK = [Run("all", FRAMES)]


def test_chunks_are_compared_as_one_run_and_each_timed_from_its_own_reset(serial, chunked):
    plan, spikes, rtl, folder = serial
    result = simulate(plan, rtl, spikes, folder)
    assert_equal_and_on_time(result)
    for row in result["runs"]:
        assert row["resets_before_frames"] == [0, 3, 6]
        assert row["spikes_compared"] == 6 * FRAMES * (9 + 5 + 5)
    values = {kind: len(spread["values"]) for kind, spread in result["runs"][0]["cycles"].items()}
    # Between the frames on both sides of a reset there is no interval.
    assert values == {"latency": 8, "interval": 5}


def with_network(plan, **changes):
    """The plan of the same core for a golden model whose second layer differs."""
    first, second = plan.network.layers
    network = dataclasses.replace(plan.network, layers=(first, dataclasses.replace(second, **changes)))
    return make_plan(network, (4, 2))


@pytest.mark.parametrize("what", ["threshold", "weight"])
def test_a_wrong_number_is_located_in_its_frame(serial, chunked, what):
    plan, spikes, rtl, folder = serial
    layer = plan.network.layers[1]
    values = getattr(layer, what).copy()
    if what == "threshold":
        values[3] += 1
    else:
        values[3] = -values[3]
    other = with_network(plan, **{what: values})
    row = simulate(other, rtl, spikes, folder, runs=BACK_TO_BACK)["runs"][0]
    # Where golden models with and without the change differ first, found without any bench.
    ours, theirs = (runner.golden_run(p.network, spikes).spikes[1] for p in (other, plan))
    frame, step, neuron = min((b, t, n) for t, b, n in zip(*np.nonzero(ours != theirs), strict=True))
    assert neuron == 3
    golden, got = int(ours[step, frame, neuron]), int(theirs[step, frame, neuron])
    assert row["first_mismatch"].endswith(f"= ({frame}, {step}, 1, 3, {golden}, {got})")
    # In the layer and on m_axis.
    assert row["mismatches"] >= 2 * (ours != theirs).sum()


def test_a_frame_behind_a_reset_is_located_by_its_own_number(serial, chunked):
    plan, spikes, rtl, folder = serial
    quiet = spikes.copy()
    quiet[2, 7, 4] ^= True
    trace = runner.golden_run(plan.network, quiet)
    changed = [
        bool((a[:, 7] != b[:, 7]).any())
        for a, b in zip(trace.spikes, runner.golden_run(plan.network, spikes).spikes, strict=True)
    ]
    assert changed[0]
    _, parts, _ = chunks.simulate_chunks(plan, rtl, quiet, BACK_TO_BACK, folder)
    wrong = runner._check(plan, BACK_TO_BACK[0], parts[0], runner.golden_run(plan.network, spikes))
    assert wrong["first_mismatch"].startswith(
        "first mismatch (frame, step, layer, neuron, golden, got) = (7, 2, 0, "
    )
    assert runner._check(plan, BACK_TO_BACK[0], parts[0], trace)["mismatches"] == 0


@pytest.mark.parametrize("which", [0, 1], ids=["started", "finished"])
def test_a_wrong_clock_is_located_in_its_frame(serial, chunked, monkeypatch, which):
    plan, spikes, rtl, folder = serial
    right = runs.frame_times

    def wrong(plan, part, layers, *, isolate):
        times = right(plan, part, layers, isolate=isolate)
        if np.array_equal(part, spikes[:, 3:6]):
            times[which][1] += 1
        return times

    monkeypatch.setattr(runs, "frame_times", wrong)
    row = simulate(plan, rtl, spikes, folder, runs=BACK_TO_BACK)["runs"][0]
    assert (row["mismatches"], row["cycles_predicted_equal"]) == (0, False)
    assert row["first_cycle_difference"].startswith("frame 4: start ")


def spoilt(rtl, folder, name, expression):
    """A copy of the RTL in which the output `name` is `expression` of what it was."""
    shutil.copytree(rtl, folder)
    path = folder / f"{TOP}.v"
    text, count = re.subn(
        rf"  assign {name} = (.*);",
        lambda found: f"  assign {name} = {expression.format(found[1])};",
        path.read_text(),
        count=1,
    )
    assert count == 1
    path.write_text(text)
    return folder


def test_a_beat_that_changes_while_it_is_offered_is_a_fault(serial, chunked, tmp_path):
    plan, spikes, rtl, _ = serial
    # Bit `same` of the result while nobody takes it.
    changing = "({}) ^ {{{{15'd0, ~m_result_tready}}, 80'd0}}"
    bad = spoilt(rtl, tmp_path / "rtl", "m_result_tdata", changing)
    stalled = [Run("stalled", FRAMES, stall_sinks=128)]
    row = simulate(plan, bad, spikes, tmp_path / "sim", runs=stalled)["runs"][0]
    assert row["faults"] and all("code a2" in fault for fault in row["faults"])
    assert any(fault.endswith("(from frame 3 on)") for fault in row["faults"])


def test_a_core_in_which_nothing_moves_for_too_long_is_given_up(serial, monkeypatch):
    plan, spikes, rtl, folder = serial
    # Less than a sweep and the readout take.
    monkeypatch.setattr(chunks, "_PATIENCE", 6)
    with pytest.raises(
        TwinspikeError, match=r"run all hangs: . of 8 results, then nothing moved for 6 clocks"
    ):
        simulate(plan, rtl, spikes, folder, runs=BACK_TO_BACK)


def test_the_runtime_of_verilator_is_compiled_once_for_all_cores(serial, tmp_path):
    plan, _, rtl, _ = serial
    compiled = []
    for name in ("first", "second"):
        # As another core: nothing but the library is shared.
        Workshop(tmp_path / name).command(plan, {f"{TOP}.v": (rtl / f"{TOP}.v").read_text()})
        (log,) = (tmp_path / name).glob("*/build.log")
        compiled.append(set(re.findall(r"-c -o (\S+\.o)", log.read_text())))
    assert compiled[1] == {"native.o", "Vbench__ALL.o"}


def test_folders_may_be_named_from_where_one_is(tmp_path, monkeypatch):
    plan, spikes = case("serial")
    emit(plan, tmp_path / "rtl")
    monkeypatch.chdir(tmp_path)
    assert_equal_and_on_time(simulate(plan, Path("rtl"), spikes, Path("out") / "sim"))


def test_which_bench_serves():
    assert runner.chosen_bench("", "verilator", waves=False) == "native"
    assert runner.chosen_bench("cocotb", "verilator", waves=False) == "cocotb"
    assert runner.chosen_bench("", "icarus", waves=False) == "cocotb"
    assert runner.chosen_bench("", "verilator", waves=True) == "cocotb"
    with pytest.raises(TwinspikeError, match="BENCH = 'fast' is not allowed: expected one of native, cocotb"):
        runner.chosen_bench("fast", "verilator", waves=False)
    with pytest.raises(
        TwinspikeError, match="BENCH = 'native' is not allowed: expected cocotb with SIM=icarus"
    ):
        runner.chosen_bench("native", "icarus", waves=False)
