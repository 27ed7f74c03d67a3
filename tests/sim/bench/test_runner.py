"""The whole flow on small networks: Verilog, simulator, golden model, cycle formula."""

import dataclasses
import shutil

import numpy as np
import pytest
from support.optional import needs
from support.simulation import assert_equal_and_on_time, input_spikes, network_of, spram_case

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.bench import runner
from twinspike.sim.bench.runner import Run, simulate


def test_four_layers_of_every_weight_width_and_reset(tmp_path):
    network = network_of(
        1,
        12,
        42,
        25,
        (10, {"weight_bits": 1, "state_bits": 5, "reset": "zero"}),
        (7, {"weight_bits": 8, "state_bits": 9, "leak_shift": 0}),
        (6, {"weight_bits": 2, "state_bits": 3, "single_spike": True}),
        (5, {"weight_bits": 4, "state_bits": 4, "leak_shift": 1}),
    )
    # Lanes: odd, one, all, not a divisor.
    plan = make_plan(network, (3, 1, 6, 2))
    emit(plan, tmp_path / "rtl")
    spikes = input_spikes(1, 42, 6, 12)
    result = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim")
    assert_equal_and_on_time(result)
    assert result["network_hash"] == network.content_hash
    assert [len(row["cycles"]["latency"]["values"]) for row in result["runs"][:2]] == [6, 6]
    assert "verilator" in result["runs"][0]["simulator"]


# cocotb's clock begins high, and Icarus knows undefined values.
@pytest.mark.parametrize("simulator", ["verilator", pytest.param("icarus", marks=needs("icarus"))])
def test_slots_that_hold_the_networks_references_answer_like_fixed_ones(simulator, tmp_path):
    network = network_of(4, 9, 3, 4, (6, {"weight_bits": 4, "state_bits": 5}), (7, {"weight_bits": 3}))
    plan = make_plan(network, (3, 2), slots=6)
    emit(plan, tmp_path / "rtl")
    spikes = input_spikes(4, 3, 8, 9)
    assert_equal_and_on_time(simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim", simulator=simulator))


@pytest.fixture(scope="module")
def single_step(tmp_path_factory):
    """T = 1, one layer, one reference, one lane, weights at the rails: (plan, folder, spikes, result)."""
    folder = tmp_path_factory.mktemp("single_step")
    network = network_of(2, 9, 1, 1, (11, {"weight_bits": 4, "state_bits": 4, "leak_shift": 0}))
    layer = network.layers[0]
    weight, bias = layer.weight.copy(), layer.bias.copy()
    weight[0], weight[1], weight[2, ::2], bias[0] = 7, -7, -7, 0
    layer = dataclasses.replace(layer, weight=weight, bias=bias, threshold=np.minimum(layer.threshold, 4))
    plan = make_plan(dataclasses.replace(network, layers=(layer,)), (1,))
    emit(plan, folder / "rtl")
    spikes = input_spikes(2, 1, 8, 9)
    return plan, folder, spikes, simulate(plan, folder / "rtl", spikes, folder / "sim")


def test_one_step_one_layer_one_reference_one_lane(single_step):
    assert_equal_and_on_time(single_step[3])


def test_a_wrong_cycle_formula_is_found(single_step, monkeypatch):
    plan, folder, spikes, _ = single_step
    rows = [simulate(plan, folder / "rtl", spikes, folder / "sim", runs=[Run("all", 8)])["runs"][0]]
    # A clock more for ranking, as for one reference more: in the formula alone.
    monkeypatch.setattr(type(plan), "references", plan.references + 1)
    rows += simulate(plan, folder / "rtl", spikes, folder / "sim", runs=[Run("all", 8)])["runs"]
    assert [row["cycles_predicted_equal"] for row in rows] == [True, False]
    assert rows[1]["mismatches"] == 0
    assert rows[1]["first_cycle_difference"].startswith("frame 0: start 1, result ")


def test_an_injected_fault_is_found_where_it_is(single_step, tmp_path):
    plan, folder, _, _ = single_step
    rtl = tmp_path / "rtl"
    shutil.copytree(folder / "rtl", rtl)
    # Sign bit of the weight from input 2 to neuron 0: +7 becomes -1.
    image = rtl / "layer0_synapses_memory_weights_0.mem"
    lines = image.read_text().split("\n")
    at = [i for i, line in enumerate(lines) if line and set(line) <= {"0", "1"}][2 * 11]
    assert lines[at] == "0111"
    lines[at] = "1111"
    image.write_text("\n".join(lines))
    spikes = np.zeros((1, 3, 9), bool)
    spikes[0, 1, 2] = True  # only the second frame uses that weight
    row = simulate(plan, rtl, spikes, tmp_path / "sim", runs=[Run("all", 3)])["runs"][0]
    assert row["mismatches"] >= 2  # the layer's spike and the one on m_axis
    assert row["first_mismatch"] == (
        "first mismatch (frame, step, layer, neuron, golden, got) = (1, 0, 0, 0, 1, 0)"
    )


@pytest.mark.parametrize(
    ("width", "bits", "simulator"),
    [
        (64, 4, "verilator"),
        pytest.param(16, 8, "icarus", marks=needs("icarus")),
        pytest.param(32, 4, "icarus", marks=needs("icarus")),
    ],
)
def test_weights_loaded_into_spram(width, bits, simulator, tmp_path):
    plan, spikes = spram_case(width, bits)
    assert (plan.layers[0].memory, plan.layers[0].weight_word_bits) == ("spram", width)
    emit(plan, tmp_path / "rtl")
    result = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim", simulator=simulator)
    assert_equal_and_on_time(result)
    assert result["runs"][0]["target"] == "up5k"


def test_an_unknown_simulator_is_refused(single_step, tmp_path):
    plan, folder, spikes, _ = single_step
    with pytest.raises(TwinspikeError, match="SIM = 'vcs' is not allowed: expected one of verilator, icarus"):
        simulate(plan, folder / "rtl", spikes, tmp_path / "sim", simulator="vcs")
    assert not (tmp_path / "sim").exists()


def test_standard_runs_are_capped_where_a_frame_is_slow():
    runs = {run.name: run for run in runner.standard_runs(10_000)}
    assert (runs["back_to_back"].frames, runs["alone"].frames, runs["stalled"].frames) == (10_000, 100, 100)
    assert runs["alone"].isolate and runs["stalled"].stalls and not runs["back_to_back"].stalls
