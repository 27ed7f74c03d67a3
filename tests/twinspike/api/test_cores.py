"""Cores from Python: written, simulated and packed as the command line does it."""

import json

import numpy as np
import pytest
from support.networks import random_network

import twinspike as ts


@pytest.fixture
def net(tmp_path):
    network = random_network(5, timesteps=3, shape=(6,), widths=(6, 4), classes=3)
    network.save(tmp_path / "my net.safetensors")
    return ts.load(tmp_path / "my net.safetensors", out=tmp_path / "build")


def test_a_core_is_written_and_its_simulation_equals_the_golden_model(net, tmp_path):
    core = net.core()
    folder = core.verilog(tmp_path / "verilog")
    assert (folder / "twinspike_core.v").is_file() and "lanes" in repr(core)
    assert json.loads((folder / "rtl.json").read_text())["network_hash"] == net.content_hash
    x = np.random.default_rng(1).integers(0, 256, (5, 6), np.uint8)
    found = core.simulate(x)
    # Three runs of 5 frames of 3 steps: each layer's spikes, and the output's once more at the port.
    assert found.exact and found.mismatches == 0 and found.spikes_compared == 3 * 5 * 3 * (6 + 4 + 4)
    assert (
        found.cycles() > 0 and found.cycles("interval") > 0 and found.path.parent.parent == tmp_path / "build"
    )


def test_a_goal_plans_a_core_of_its_own_beside_the_configurations(net, tmp_path):
    x = np.random.default_rng(1).integers(0, 256, (5, 6), np.uint8)
    fast, small = (net.core("up5k", goal, x) for goal in ("latency", "area"))
    assert fast.prediction.latency_cycles <= small.prediction.latency_cycles
    assert small.prediction.logic_cells <= fast.prediction.logic_cells
    assert fast.planned_on == 5 and net.core("up5k").planned_on == 0
    assert small.verilog().parent.parent.name == "goal-area"


def test_a_portable_core_is_not_placed(net):
    with pytest.raises(ts.TwinspikeError, match="give a target, such as up5k"):
        net.core().synthesise()
    with pytest.raises(ts.TwinspikeError, match="needs a device"):
        net.core(goal="area")
    with pytest.raises(ts.TwinspikeError, match="no configuration is known"):
        net.core("up5k", "area")


def test_a_target_that_is_none_is_refused_at_once(net):
    for goal in (None, "area"):
        with pytest.raises(ts.TwinspikeError, match="device = 'up6k' is not allowed: expected one of up5k, "):
            net.core("up6k", goal)
