"""The differentiable cost in clocks against the cycle contract, and where its gradient goes."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from support.conv_cores import conv_layer, conv_network
from support.networks import counting, random_layer, random_network, random_references

from twinspike.config import load_config
from twinspike.hw.plan import make_plan, plan_for
from twinspike.hw.predict.cycles import frame_times
from twinspike.model.inputs.events import events_of_spikes
from twinspike.model.loss.cycles import CycleCost, Station, cost_of, cycle_cost
from twinspike.model.loss.reach import reach_of
from twinspike.model.network.blank import blank_network
from twinspike.numerics.encodings import Graded, Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.layer import relay
from twinspike.quant.network import Network
from twinspike.quant.synapses.pool import Pool
from twinspike.sim.golden import run


def tensors(trains: tuple[np.ndarray, ...]) -> list[torch.Tensor]:
    return [torch.from_numpy(train).float() for train in trains]


def cost(*event_clocks: float, tick_cycles: int, result_cycles: int) -> CycleCost:
    stations = [Station(c, c, source=index - 1) for index, c in enumerate(event_clocks)]
    return CycleCost(tuple(stations), tick_cycles, result_cycles)


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
    "deep": (
        (20, 20, 1),
        [(8, (5, 5), {"stride": (2, 2)}), (16, (3, 3), {"stride": (2, 2)}), (8, (2, 2), {})],
    ),
    "dilated": ((7, 7, 1), [(8, (2, 2), {"dilation": (2, 2)})]),
}


@pytest.mark.parametrize("biases", ["any", "none"])
@pytest.mark.parametrize("case", MAPS)
def test_of_convolutions_is_near_the_contract_and_orders_images_alike(case, biases):
    shape, convs = MAPS[case]
    spec = {"weight_bits": 4, "leak_shift": 3, "state_bits": 10, "biases": biases}
    network = conv_network(3, shape, 5, [(*conv, spec) for conv in convs], 6)
    swept = [plan.sweeps_reached for plan in make_plan(network).layers[:-1]]
    assert all(swept) if biases == "none" else not all(swept)
    spikes = np.random.default_rng(0).random((5, 12, np.prod(shape))) < np.linspace(0.02, 0.5, 12)[:, None]
    assert_near(network, spikes)


def assert_near(network: Network, spikes: np.ndarray) -> None:
    """The price of spikes [T, B, inputs] is within a tenth of the contract, and in its order."""
    plan = make_plan(network)
    layers = run(network, spikes).spikes
    assert all(train.any() for train in layers[:-1])
    # The first frame waits for the quiet sweep after reset.
    again = np.concatenate([spikes[:, :1], spikes], 1), [np.concatenate([x[:, :1], x], 1) for x in layers]
    started, finished = (found[1:] for found in frame_times(plan, again[0], tuple(again[1]), isolate=True))
    exact = finished - started
    core = cost_of(plan)
    images, *trains = tensors((spikes, *layers))
    found = core.latency(core.arriving(images), trains).numpy()
    assert np.abs(found / exact - 1).max() < 0.1
    assert np.corrcoef(found, exact)[0, 1] > 0.98


@pytest.mark.parametrize("mode", ["or", "sum"])
@pytest.mark.parametrize("first", [False, True])
def test_of_pools_is_near_the_contract(first, mode):
    shape, spec = (12, 12, 2), {"weight_bits": 4, "leak_shift": 3, "state_bits": 10}
    rng, pool = np.random.default_rng(4), lambda map: relay(Pool.over(map, (2, 2), mode))
    layers = [pool(shape)] if first else []
    layers.append(conv_layer(rng, layers[-1].shape if first else shape, 4, (3, 3), biases="none", **spec))
    layers.append(pool(layers[-1].shape))
    layers.append(conv_layer(rng, layers[-1].shape, 6, (2, 2), biases="none", **spec))
    layers.append(random_layer(rng, layers[-1].neurons, 5, weight_bits=3, state_bits=9))
    network = Network("pools", 6, Latency(), shape, tuple(layers), random_references(rng, 3, 6, 5), 20, {})
    spikes = np.random.default_rng(0).random((6, 10, 288)) < np.linspace(0.02, 0.4, 10)[:, None]
    assert_near(network, spikes)


@pytest.mark.parametrize("encoder", [Latency(), Graded(bits=4)])
def test_a_held_input_s_words_are_swept_in_every_step(encoder):
    spec = {"weight_bits": 4, "leak_shift": 2, "state_bits": 12, "thresholds": 40, "biases": "none"}
    network = conv_network(5, (10, 10, 1), 8, [(8, (3, 3), {"stride": (2, 2)}, spec)], 6)
    held = dataclasses.replace(network.layers[0], hold=True)
    network = dataclasses.replace(network, layers=(held, *network.layers[1:]), encoder=encoder)
    rng = np.random.default_rng(0)
    spikes = np.zeros((8, 10, 100), np.int64)
    spikes[0] = rng.random((10, 100)) < np.linspace(0.05, 0.9, 10)[:, None]
    if isinstance(encoder, Graded):
        spikes[0] *= rng.integers(1, 16, spikes.shape[1:])
    assert_near(network, spikes if isinstance(encoder, Graded) else spikes > 0)


def test_of_counted_spikes_is_near_the_contract():
    spec = {"weight_bits": 4, "leak_shift": 3, "state_bits": 10}
    network = conv_network(3, (9, 11, 1), 5, [(6, (3, 3), {}, spec)], 6)
    assert_near(
        counting(network), np.random.default_rng(0).random((5, 8, 99)) < np.linspace(0.02, 0.5, 8)[:, None]
    )


def test_the_gradient_of_words_reached_is_that_of_one_spike_more_or_less():
    spec = {"weight_bits": 4, "state_bits": 10, "biases": "none"}
    network = conv_network(2, (5, 6, 2), 4, [(4, (2, 2), {"stride": (2, 2), "groups": 2}, spec)], 3)
    plan = make_plan(network, (2, 1))
    reach = reach_of(plan.layers[0])
    spikes = (torch.rand(4, 3, 60, generator=torch.Generator().manual_seed(0)) < 0.05).float()
    given = torch.rand(2, 4, 3, generator=torch.Generator().manual_seed(1))

    def price(of: torch.Tensor) -> torch.Tensor:
        waited, swept = reach.clocks(of)
        return (waited * given[0] + swept * given[1]).sum()

    reached, before = np.zeros((3, plan.layers[0].words), bool), torch.from_numpy(np.zeros((4, 3)))
    for t, b, a in itertools.product(range(4), range(3), range(60)):
        if spikes[t, b, a]:
            address = int(np.flatnonzero(plan.layers[0].arrivals == a)[0])
            reached[b, [visit.state_word for visit in plan.layers[0].visits(address)]] = True
        before[t, b] = reached[b].sum()
    assert torch.equal(reach.clocks(spikes)[1].double(), before)
    assert torch.equal(reach.clocks(events_of_spikes(spikes))[1], reach.clocks(spikes)[1])

    asked = spikes.clone().requires_grad_()
    price(asked).backward()
    for spot in np.ndindex(*spikes.shape):
        more, less = spikes.clone(), spikes.clone()
        more[spot], less[spot] = 1, 0
        assert asked.grad[spot].item() == pytest.approx((price(more) - price(less)).item(), abs=1e-4)


def test_an_event_of_a_map_costs_what_its_place_costs():
    network = conv_network(1, (5, 6, 1), 3, [(4, (3, 3), {}, {"weight_bits": 4, "state_bits": 8})], 5)
    plan = make_plan(network, (1, 5))
    clocks = cost_of(plan).stations[0].event_clocks.reshape(5, 6)
    divided = plan.split.division_clocks + 2
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
    expected = (spikes * clocks).sum(2)
    for given in (spikes, events_of_spikes(spikes)):
        walk, tick = station.clocks(given).unbind(2)
        assert torch.equal(walk, expected) and bool((tick == 2).all())


def test_gradient_is_the_clocks_of_an_event_on_the_critical_path():
    slow, quick = torch.full((4, 1, 1), 20.0), torch.ones(4, 1, 1)
    for x in (slow, quick):
        x.requires_grad_()
    core = cost(8, 10, tick_cycles=10, result_cycles=0)
    core.latency(core.arriving(slow), [quick, torch.ones(4, 1, 1)]).sum().backward()
    assert slow.grad.flatten().tolist() == [8, 8, 8, 8]
    # The second layer is idle most of the time: only what it does after the last step costs anything.
    assert quick.grad.flatten().tolist() == [0, 0, 0, 10]


def test_the_result_follows_the_last_tick_at_once():
    core = cost(8, tick_cycles=1000, result_cycles=15)
    silent = torch.zeros(1, 1, 1)
    # The sweep's last word is visited 7 clocks after its first one, and reaches the readout 11 later.
    assert core.latency(core.arriving(silent), [silent]).item() == 3 + 7 + 11 + 15


def test_a_target_that_the_input_alone_exceeds_is_refused():
    core = cost(8, 6, tick_cycles=10, result_cycles=18)
    arriving = core.arriving(torch.full((4, 3, 1), 20.0))
    core.check_target(arriving, 1000)
    with pytest.raises(TwinspikeError, match=r"cycles_target = 500 cannot be met: input events alone"):
        core.check_target(arriving, 500)
