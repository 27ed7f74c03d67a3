"""Wide convolutions of graded input and of a held one: spikes of every layer, and every frame's clocks."""

import dataclasses

import numpy as np
import pytest
from support.conv_cores import conv_network
from support.simulation import assert_equal_and_on_time

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.numerics.encodings import Graded, Latency
from twinspike.sim.bench.runner import simulate

TIMESTEPS, FRAMES = 5, 8
SPEC = {"weight_bits": 4, "state_bits": 12}
CASES = {
    # map, geometry, specification, encoder, hold, steps that have events
    "graded and held": ((5, 6, 1), {}, {}, Graded(), True, 1),
    "held, leaking, zero reset, padding": (
        (6, 4, 2),
        {"stride": (2, 1), "padding": (1, 0)},
        {"leak_shift": 2, "reset": "zero"},
        Graded(2),
        True,
        1,
    ),
    "events of later steps do not count": ((4, 4, 1), {}, {"single_spike": True}, Latency(), True, TIMESTEPS),
    "graded in every step, binary weights": ((3, 7, 3), {}, {"weight_bits": 1}, Graded(3), False, TIMESTEPS),
}


@pytest.mark.parametrize("name", CASES)
def test_spikes_and_clocks_are_those_of_the_network(name, tmp_path):
    shape, keys, spec, encoder, hold, steps = CASES[name]
    made = conv_network(1, shape, TIMESTEPS, [(4, (3, 3), keys, SPEC | spec)], 5)
    # Thresholds raised to what such inputs amount to.
    first = made.layers[0]
    first = dataclasses.replace(first, hold=hold, threshold=first.threshold * 9)
    network = dataclasses.replace(made, encoder=encoder, layers=(first, *made.layers[1:]))
    plan = make_plan(network, events_per_clock=(1, 1))
    emit(plan, tmp_path / "rtl")

    rng, most = np.random.default_rng(3), encoder.most if isinstance(encoder, Graded) else 1
    spikes = rng.integers(1, most + 1, (TIMESTEPS, FRAMES, network.inputs)).astype(np.uint8)
    spikes[rng.random(spikes.shape) >= rng.choice([0.1, 0.4, 0.9], size=(1, FRAMES, 1))] = 0
    spikes[:, 2], spikes[:, 3], spikes[steps:] = 0, most, 0
    spikes = spikes if most > 1 else spikes.astype(bool)
    result = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim")
    assert_equal_and_on_time(result)
    hidden = sum(layer.neurons for layer in plan.layers)
    assert result["runs"][0]["spikes_compared"] >= hidden * TIMESTEPS * FRAMES
