"""Hidden neurons renumbered for a wide core's banks: the same answers, in fewer clocks."""

import numpy as np
import pytest

from twinspike.config import config_from_table
from twinspike.flow.plans import plan_for
from twinspike.hw.predict.planner import predict
from twinspike.model.data.dataset import Dataset
from twinspike.model.data.shipped import load_dataset
from twinspike.model.outcome.banks import even_order
from twinspike.model.training.training import train, trained_network
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import load_network
from twinspike.sim.golden import run


def test_neurons_that_spike_together_get_banks_of_their_own():
    """Four groups of four neurons spike in turn, and each group lies in one bank of four."""
    spikes = np.zeros((40, 16), np.int16)
    for step in range(40):
        spikes[step, step % 4 :: 4] = 1
    order = even_order(spikes, 4)
    assert sorted(order.tolist()) == list(range(16))
    for group in range(4):
        banks = np.flatnonzero(order % 4 == group) % 4
        assert np.bincount(banks, minlength=4).max() <= 2
    assert np.array_equal(even_order(spikes, 4), order)
    assert np.array_equal(even_order(spikes, 1), np.arange(16))


def config(spread, banks=(4, 4), norm="none"):
    return config_from_table(
        "wide",
        {
            "dataset": "digits",
            "timesteps": 4,
            "layers": [{"neurons": 96, "norm": norm}, {"neurons": 16, "norm": norm}],
            "training": {
                "epochs": 4,
                "images": 600,
                "activity_target": 1.0,
                "spread_spikes": spread,
                "reference_temperature": 0.0,
            },
            "hardware": {"events_per_clock": list(banks), "targets": ["ecp5-25k"]},
        },
    )


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits", progress=False)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_answers_stay_and_clocks_become_fewer(tmp_path, digits, norm):
    clocks, traces = [], []
    for spread in (False, True):
        asked, out = config(spread, norm=norm), tmp_path / str(spread)
        metrics = train(asked, out, progress=False, dataset=digits)
        network = load_network(out / "network.safetensors")
        spikes = network.encode(digits.test_images)
        trace = run(network, spikes)
        plan = plan_for(network, asked.hardware, "ecp5-25k")
        clocks.append(predict(plan, spikes, trace.spikes).latency_cycles)
        traces.append(trace)
        assert metrics["torch_golden_mismatches"] == 0
    before, after = traces
    assert np.array_equal(before.results.label, after.results.label)
    assert np.array_equal(before.results.distance, after.results.distance)
    assert not np.array_equal(before.spikes[0], after.spikes[0])
    assert np.array_equal(before.spikes[0].sum(axis=2), after.spikes[0].sum(axis=2))
    assert clocks[1] < clocks[0]
    # What runs in software from the checkpoint is numbered as the file is.
    twin = trained_network(config(True, norm=norm), tmp_path / "True", digits)
    weight = load_network(tmp_path / "True" / "network.safetensors").layers[0].weight
    assert np.array_equal(twin.synapses[0].tensor()[0].detach().numpy(), weight)


def test_only_a_wide_core_has_banks(tmp_path, digits):
    with pytest.raises(TwinspikeError, match=r"training\.spread_spikes is for two or more dense layers"):
        train(config(True, banks=()), tmp_path, progress=False, dataset=digits)
