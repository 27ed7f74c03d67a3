"""The three frameworks, really: what their files mean, and networks trained in them as cores."""

import numpy as np
import others
import pytest
import torch

from twinspike.config import load_config
from twinspike.flow.exchange import ImportOptions, import_graph
from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.model.imports.frames import dataset_frames
from twinspike.model.imports.frameworks import run_in_framework
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.dialects import DIALECTS
from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_graph import chain
from twinspike.quant.nir_import import float_layers, run_layers
from twinspike.sim.bench.runner import Run, simulate

CASES = [*((name, "zero") for name in others.FRAMEWORKS), ("snntorch", "subtract")]


def reading(framework, reset):
    """snnTorch subtracts a step late unless told otherwise; the file does not say."""
    return "subtract-delayed" if reset == "subtract" else reset


@pytest.mark.parametrize(("framework", "reset"), CASES)
def test_the_float_import_spikes_as_the_framework_does(framework, reset, tmp_path):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network = others.build(framework, (20, 30, 8), reset)
    spikes = rng.random((12, 40, 20)) < 0.3
    original = others.trains(framework, network, spikes)
    assert all(0.01 < train.mean() < 0.95 for train in original)
    others.write_nir(framework, network, 20, tmp_path / "n.nir")
    graph = read_graph(tmp_path / "n.nir")
    found = run_layers(float_layers(graph, dialect=framework, reset=reading(framework, reset)), spikes)
    for ours, theirs in zip(found, original, strict=True):
        assert (ours != theirs).sum() <= 2e-4 * ours.size  # 32-bit decays against 64-bit ones
    again = run_in_framework(
        framework, chain(graph), spikes, dt=DIALECTS[framework].dt, reset=reading(framework, reset)
    )
    for ours, theirs in zip(again, original, strict=True):
        assert (ours != theirs).sum() <= 2e-4 * ours.size


def test_spikingjelly_spikes_at_the_threshold_and_the_others_above_it(tmp_path):
    spikes = np.ones((1, 1, 1), bool)
    for framework in others.FRAMEWORKS:
        network = others.build(framework, (1, 1))
        linear = next(network.children())
        with torch.no_grad():
            linear.weight.fill_(10.0 if framework == "norse" else 1.0)
            linear.bias.zero_()
        others.write_nir(framework, network, 1, tmp_path / "n.nir")
        found = run_layers(float_layers(read_graph(tmp_path / "n.nir"), dialect=framework), spikes)
        assert found[0].item() == others.trains(framework, network, spikes)[0].item()
        assert found[0].item() == (framework == "spikingjelly")


def test_a_norse_file_read_as_another_framework_s_is_refused(tmp_path):
    others.write_nir("norse", others.build("norse", (4, 3)), 4, tmp_path / "n.nir")
    with pytest.raises(TwinspikeError, match=r"node '1' \(LIF\) .* time constants .* \(--from\)"):
        float_layers(read_graph(tmp_path / "n.nir"))


@pytest.mark.parametrize("framework", others.FRAMEWORKS)
def test_a_trained_network_becomes_a_core_that_is_exact(framework, tmp_path):
    config = load_config(str(others.CONFIG))
    data = dataset_frames(config)
    network = others.train(
        framework, (64, 24, 10), data.calibration.spikes[:, :600], data.calibration.labels[:600], epochs=6
    )
    others.write_nir(framework, network, 64, tmp_path / "n.nir")
    graph = read_graph(tmp_path / "n.nir")
    options = ImportOptions(framework, finetune=True, epochs=2, progress=False)
    integer, table, _ = import_graph(graph, "n", config, options, {})
    rungs = {row["rung"]: row for row in table["rungs"]}
    assert table["against"] == "original"
    assert rungs["float import"]["layers"][1]["overlap"] > 0.99
    assert rungs["original"]["accuracy"] > 0.5
    assert rungs["integer network"]["same_prediction"] > 0.6
    assert rungs["fine-tuned"]["accuracy"] > rungs["original"]["accuracy"] - 0.05
    plan = make_plan(integer)
    emit(plan, tmp_path / "rtl")
    spikes = data.test.spikes[:, :6]
    rows = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim", runs=[Run("back_to_back", 6)])["runs"]
    assert rows[0]["mismatches"] == 0 and rows[0]["cycles_predicted_equal"] and not rows[0]["faults"]
