import numpy as np
import pytest
from support.conv_cores import conv_network
from support.networks import random_network

from twinspike.hw.plan import make_plan
from twinspike.hw.predict import area
from twinspike.hw.predict.planner import choose, predict
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.golden import run

# Coefficients of no real device: what is chosen must not hang on a calibration.
MODEL = {
    "core": 400.0,
    "layers": 80.0,
    "sum bits": 5.0,
    "reference bits": 1.5,
    "bank trees": 1.0,
    "events_per_clock": 2.0,
}


@pytest.fixture(autouse=True)
def model(monkeypatch):
    monkeypatch.setattr(area, "coefficients", lambda: dict.fromkeys(("ice40", "ecp5", "ecp5-wide"), MODEL))


@pytest.fixture(scope="module")
def frames():
    network = random_network(1, timesteps=4, shape=(64,), widths=(48, 12), state_bits=8)
    spikes = np.random.default_rng(0).random((4, 6, 64)) < 0.2
    return network, spikes, run(network, spikes).spikes


def test_latency_is_no_worse_than_any_plan_of_one_doubling_and_area_no_larger(frames):
    network, spikes, trains = frames
    fast = choose(network, "up5k", "latency", spikes, trains)
    small = choose(network, "up5k", "area", spikes, trains)
    assert fast.fits() and small.fits()
    assert small.lanes == (1, 1)
    assert small.logic_cells < fast.logic_cells and fast.latency_cycles < small.latency_cycles
    for index in range(2):
        wider = list(fast.lanes)
        wider[index] *= 2
        if wider[index] <= network.layers[index].neurons:
            other = predict(make_plan(network, tuple(wider), "up5k"), spikes, trains)
            assert not other.fits() or other.latency_cycles >= fast.latency_cycles


def test_a_wide_core_is_chosen_for_latency_on_a_device_with_room(frames):
    network, spikes, trains = frames
    fast = choose(network, "ecp5-85k", "latency", spikes, trains)
    assert fast.plan.wide and fast.lanes == (48, 12)
    assert choose(network, "ecp5-85k", "area", spikes, trains).events_per_clock == ()


def test_narrow_weights_use_the_whole_spram_word():
    """64 bits per clock: 32 lanes of 2 bits, 64 of 1 bit."""
    for bits, lanes in ((2, 32), (1, 64)):
        network = random_network(
            1, timesteps=2, shape=(700,), widths=(128, 8), weight_bits=bits, state_bits=8
        )
        spikes = np.random.default_rng(0).random((2, 2, 700)) < 0.1
        fast = choose(network, "up5k", "latency", spikes, run(network, spikes).spikes)
        assert fast.plan.layers[0].memory == "spram"
        assert fast.lanes[0] in (lanes, lanes // 2)  # a row takes at least the pipeline's depth


@pytest.mark.parametrize("target", ["up5k", "ecp5-25k"])
def test_lanes_of_convolutions_are_chosen_too(target):
    spec = {"weight_bits": 4, "state_bits": 8, "biases": "none"}
    convs = [(6, (3, 3), {"stride": (2, 2)}, spec), (16, (3, 3), {}, spec)]
    network = conv_network(1, (12, 12, 1), 3, convs, 4)
    spikes = np.random.default_rng(0).random((3, 3, 144)) < 0.1
    trains = run(network, spikes).spikes
    fast, small = (choose(network, target, goal, spikes, trains) for goal in ("latency", "area"))
    assert fast.fits() and small.fits() and small.lanes == (1, 1, 1)
    assert small.logic_cells < fast.logic_cells and fast.latency_cycles < small.latency_cycles
    # All channels at once; on a large device an event in all banks at once, 4 of 6 lanes and 9 of 16.
    assert fast.lanes[:2] == ((8, 16) if target == "up5k" else (24, 144)), fast.lanes


def test_what_cannot_be_chosen_is_said(frames):
    network, spikes, trains = frames
    with pytest.raises(TwinspikeError, match="goal = 'size' is not allowed"):
        choose(network, "up5k", "size", spikes, trains)
    large = random_network(1, timesteps=2, shape=(2000,), widths=(600,), weight_bits=8)
    spikes = np.zeros((2, 2, 2000), bool)
    with pytest.raises(TwinspikeError, match="up5k"):
        choose(large, "up5k", "area", spikes, run(large, spikes).spikes)


def test_without_a_calibration_cycles_are_predicted_all_the_same(frames, monkeypatch):
    monkeypatch.setattr(area, "coefficients", dict)
    network, spikes, trains = frames
    fast = choose(network, "up5k", "latency", spikes, trains)
    assert fast.logic_cells is None and fast.latency_cycles > 0
    with pytest.raises(TwinspikeError, match=r"known: none\): run make calibrate first"):
        area.logic_cells(fast.plan)


def test_where_the_narrowest_lanes_of_a_map_need_too_many_block_rams_wider_ones_are_found():
    keys, spec = {"stride": (2, 2)}, {"state_bits": 8, "weight_bits": 4}
    network = conv_network(1, (28, 28, 1), 4, [(16, (5, 5), keys, spec), (12, (3, 3), keys, spec)], 10)
    spikes = np.random.default_rng(0).random((4, 2, 784)) < 0.02
    trains = run(network, spikes).spikes
    assert not predict(make_plan(network, (1, 1, 1), "up5k"), spikes, trains).fits()
    small = choose(network, "up5k", "area", spikes, trains)
    assert small.fits() and sum(small.lanes) > 3
