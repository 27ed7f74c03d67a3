"""The differentiable cost in clocks against the cycle contract, and where its gradient goes."""

import numpy as np
import pytest
import torch
from support.conv_cores import conv_network
from support.networks import random_network

from twinspike.config import load_config
from twinspike.hw.plan import make_plan, plan_for
from twinspike.hw.predict.cycles import frame_times
from twinspike.model.blank import blank_network
from twinspike.model.cycles import CycleCost, Station, cost_of, cycle_cost
from twinspike.model.events import events_of_spikes
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.golden import run


def tensors(trains: tuple[np.ndarray, ...]) -> list[torch.Tensor]:
    return [torch.from_numpy(train).float() for train in trains]


def cost(*event_clocks: float, tick_cycles: int, result_cycles: int) -> CycleCost:
    return CycleCost(tuple(Station(c, c) for c in event_clocks), tick_cycles, result_cycles)


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
    core = cycle_cost(config, 5, (80,))
    images, *trains = tensors((spikes, *layers))
    found = core.latency(core.arriving(images), trains).numpy()
    assert np.abs(found / exact - 1).max() < 0.05
    assert np.corrcoef(found, exact)[0, 1] > 0.999


MAPS = {
    "strided": ((9, 11, 1), [(6, (3, 3), {"stride": (2, 2)}), (8, (3, 3), {"padding": (1, 1)})]),
    "one a pixel": ((8, 8, 1), [(4, (5, 5), {"padding": (2, 2)})]),
    "dilated": ((7, 7, 1), [(8, (2, 2), {"dilation": (2, 2)})]),
}


@pytest.mark.parametrize("case", MAPS)
def test_of_convolutions_is_near_the_contract_and_orders_images_alike(case):
    shape, convs = MAPS[case]
    spec = {"weight_bits": 4, "leak_shift": 3, "state_bits": 10}
    network = conv_network(3, shape, 5, [(*conv, spec) for conv in convs], 6)
    plan = make_plan(network)
    density = np.linspace(0.02, 0.5, 12)[:, None]
    spikes = np.random.default_rng(0).random((5, 12, shape[0] * shape[1])) < density
    layers = run(network, spikes).spikes
    assert all(0 < train.mean() < 1 for train in layers[:-1])
    started, finished = frame_times(plan, spikes, layers, isolate=True)
    exact = finished - started
    core = cost_of(plan)
    images, *trains = tensors((spikes, *layers))
    found = core.latency(core.arriving(images), trains).numpy()
    assert np.abs(found / exact - 1).max() < 0.1
    assert np.corrcoef(found, exact)[0, 1] > 0.98


def test_an_event_of_a_map_costs_what_its_place_costs():
    network = conv_network(1, (5, 6, 1), 3, [(4, (3, 3), {}, {"weight_bits": 4, "state_bits": 8})], 5)
    plan = make_plan(network, (1, 5))
    clocks = cost_of(plan).stations[0].event_clocks.reshape(5, 6)
    divided = plan.split.division_clocks + 1
    meets = np.outer([1, 2, 3, 2, 1], [1, 2, 3, 3, 2, 1]) * 4  # four channels, a lane
    assert np.array_equal(clocks.numpy(), np.maximum(meets, max(divided, 2)))


def test_the_plan_is_the_generator_s_with_its_slots_and_banks():
    config = load_config("mnist").changed("tiny", timesteps=6, hardware={"lanes": [], "slots": 12})
    plan = plan_for(blank_network(config, (28, 28), np.arange(10)), config.hardware, "generic")
    assert plan.slots == 12 and cycle_cost(config, 10, (28, 28)).result_cycles == plan.result_clocks
    wide = load_config("mnist-wide")
    first, second = cycle_cost(wide, 10, (28, 28)).stations
    assert (
        first.event_clocks == 1 / wide.hardware.events_per_clock[0]
        and second.event_clocks == 1 / wide.hardware.events_per_clock[1]
    )


def test_clocks_may_differ_from_address_to_address():
    clocks = torch.tensor([1.0, 3.0, 10.0])
    spikes = (torch.rand(4, 5, 3, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    station = Station(clocks, 2.0)
    expected = (spikes * clocks).sum(2) + 2
    assert torch.equal(station.clocks(spikes), expected)
    assert torch.equal(station.clocks(events_of_spikes(spikes)), expected)


def test_gradient_is_the_clocks_of_an_event_on_the_critical_path():
    slow, quick = torch.full((4, 1, 1), 20.0), torch.ones(4, 1, 1)
    for x in (slow, quick):
        x.requires_grad_()
    core = cost(8, 6, tick_cycles=10, result_cycles=0)
    core.latency(core.arriving(slow), [quick, torch.ones(4, 1, 1)]).sum().backward()
    assert slow.grad.flatten().tolist() == [8, 8, 8, 8]
    # The second layer is idle most of the time: only what it does after the last step costs anything.
    assert quick.grad.flatten().tolist() == [0, 0, 0, 6]


def test_the_result_follows_the_last_tick_at_once():
    core = cost(8, tick_cycles=1000, result_cycles=15)
    silent = torch.zeros(1, 1, 1)
    assert core.latency(core.arriving(silent), [silent]).item() == 8 + 8 + 15


def test_a_target_that_the_input_alone_exceeds_is_refused():
    core = cost(8, 6, tick_cycles=10, result_cycles=18)
    arriving = core.arriving(torch.full((4, 3, 1), 20.0))
    core.check_target(arriving, 1000)
    with pytest.raises(TwinspikeError, match=r"cycles_target = 500 cannot be met: input events alone"):
        core.check_target(arriving, 500)
