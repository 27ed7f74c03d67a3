"""A core as Gowin's cells, in the simulator: block RAMs of one port and of two, LUT RAM, carry chains."""

import numpy as np
from support.networks import random_network

from twinspike.hw.devices import device
from twinspike.hw.plan import make_plan
from twinspike.sim.bench.netlist import simulate_netlist


def test_the_netlist_computes_what_the_golden_model_does(tmp_path):
    network = random_network(5, shape=(300,), widths=(32, 6), timesteps=4, state_bits=8)
    plan = make_plan(network, (4, 2), "gw1n-9c")
    spikes = np.random.default_rng(2).random((4, 12, 300)) < 0.1
    found = simulate_netlist(plan, device("gw1n-9c"), spikes, tmp_path)
    assert {"SPX9", "SDPX9B"} & set(found["cells"]) and "DPX9B" not in found["cells"]
    for row in found["runs"]:
        assert row["mismatches"] == 0 and row["spikes_compared"] == 4 * 12 * 6, row
