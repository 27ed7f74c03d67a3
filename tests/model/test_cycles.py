"""The differentiable cost in clocks against the cycle contract, and where its gradient goes."""

import numpy as np
import pytest
import torch
from support.networks import random_network

from twinspike.config import load_config
from twinspike.hw.plan import make_plan
from twinspike.hw.predict.cycles import frame_times
from twinspike.model.cycles import CycleCost
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.golden import run


def events(*trains: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(train.sum(axis=2)).float() for train in trains]


@pytest.mark.parametrize("lanes", [(2, 1), (8, 2), (16, 8), (48, 8)])
def test_is_within_five_per_cent_of_the_contract_and_orders_images_alike(lanes):
    config = load_config("mnist").changed(
        "tiny", timesteps=6, layers=[{"neurons": 48}, {"neurons": 8}], hardware={"lanes": lanes}
    )
    plan = make_plan(random_network(1, timesteps=6, shape=(80,), widths=(48, 8), classes=5), lanes)
    density = np.linspace(0.05, 0.8, 12)[:, None]
    spikes = np.random.default_rng(0).random((6, 12, 80)) < density
    layers = run(plan.network, spikes).spikes
    started, finished = frame_times(plan, spikes, layers, isolate=True)
    exact = finished - started
    found = config.cycle_cost(5).latency(events(spikes, *layers)).numpy()
    assert np.abs(found / exact - 1).max() < 0.05
    assert np.corrcoef(found, exact)[0, 1] > 0.999


def test_gradient_is_the_clocks_of_an_event_on_the_critical_path():
    cost = CycleCost(row_cycles=(8, 6), tick_cycles=10, result_cycles=0)
    slow, quick = torch.full((4, 1), 20.0), torch.ones(4, 1)
    for x in (slow, quick):
        x.requires_grad_()
    cost.latency([slow, quick, torch.ones(4, 1)]).sum().backward()
    assert slow.grad.flatten().tolist() == [8, 8, 8, 8]
    # The second layer is idle most of the time: only what it does after the last step costs anything.
    assert quick.grad.flatten().tolist() == [0, 0, 0, 6]


def test_the_result_follows_the_last_tick_at_once():
    cost = CycleCost(row_cycles=(8,), tick_cycles=1000, result_cycles=15)
    silent = torch.zeros(1, 1)
    assert cost.latency([silent, silent]).item() == 8 + 8 + 15


def test_a_target_that_the_input_alone_exceeds_is_refused():
    cost = CycleCost(row_cycles=(8, 6), tick_cycles=10, result_cycles=18)
    inputs = torch.full((4, 3), 20.0)
    cost.check_target(inputs, 1000)
    with pytest.raises(TwinspikeError, match=r"cycles_target = 500 cannot be met: input events alone"):
        cost.check_target(inputs, 500)
