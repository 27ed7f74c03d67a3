"""A core on maps after synthesis, with multiplicities and a held input: its cells do as the network does."""

import numpy as np
import pytest
from support.conv_cores import held_network

from twinspike.hw.devices import DEVICES
from twinspike.hw.plan import make_plan
from twinspike.sim import golden
from twinspike.sim.bench.netlist import simulate_netlist

FRAMES = 20


@pytest.mark.parametrize("target", ["up5k", "ecp5-25k"])
def test_a_held_convolution_of_cells_spikes_as_the_network(target, tmp_path):
    network = held_network()
    rng = np.random.default_rng(4)
    rate = rng.choice([0.2, 0.6, 1.0], size=(1, FRAMES, 1))
    shape = (network.timesteps, FRAMES, network.inputs)
    spikes = (rng.random(shape) < rate) * rng.integers(1, 16, shape).astype(np.uint8)
    spikes[1:] = 0
    # Enough to go wrong: hidden and output spikes in most frames, and other ones from frame to frame.
    hidden, output = golden.run(network, spikes).spikes
    assert hidden.any(axis=(0, 2)).sum() > 12 and output.any(axis=(0, 2)).sum() > 12
    assert output.sum() > 60 and len({frame.tobytes() for frame in output.transpose(1, 0, 2)}) > 8
    found = simulate_netlist(make_plan(network, (4, 2), target), DEVICES[target], spikes, tmp_path)
    for row in found["runs"]:
        assert row["frames"] == FRAMES and row["spikes_compared"] == output.size
        assert not row["mismatches"] and not row["faults"] and not row["error_flags"], row
    assert found["runs"][0]["cycles_predicted_equal"]
