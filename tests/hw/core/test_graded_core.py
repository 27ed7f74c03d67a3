"""Cores of graded input and of a held one: multiplicities at the port, a current that stays for the frame."""

import dataclasses

import numpy as np
import pytest
from support.conv_cores import conv_network
from support.networks import random_network
from support.simulation import assert_equal_and_on_time

from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.numerics.encodings import Graded, Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.bench.runner import simulate

TIMESTEPS, FRAMES = 5, 8
SPEC = {"weight_bits": 4, "state_bits": 12}


def held(network, encoder, hold):
    """The network behind `encoder`, its first layer's thresholds raised to what such inputs amount to."""
    first = network.layers[0]
    first = dataclasses.replace(first, hold=hold, threshold=first.threshold * 9)
    return dataclasses.replace(network, encoder=encoder, layers=(first, *network.layers[1:]))


def multiplicities(seed, inputs, most, steps):
    """Frames from sparse to dense, in the first `steps` steps; the third is silent, the fourth full."""
    rng = np.random.default_rng(seed)
    spikes = rng.integers(1, most + 1, (TIMESTEPS, FRAMES, inputs)).astype(np.uint8)
    spikes[rng.random(spikes.shape) >= rng.choice([0.1, 0.4, 0.9], size=(1, FRAMES, 1))] = 0
    spikes[:, 2], spikes[:, 3], spikes[steps:] = 0, most, 0
    return spikes if most > 1 else spikes.astype(bool)


def conv(shape=(5, 6, 1), keys=None, **spec):
    return conv_network(1, shape, TIMESTEPS, [(4, (3, 3), keys or {}, SPEC | spec)], 5)


CASES = {
    "conv, graded and held": (conv(), Graded(), True, (4, 2), 1, "generic"),
    "conv, held, leaking, zero reset": (
        conv((6, 4, 2), {"stride": (2, 1), "padding": (1, 0)}, leak_shift=2, reset="zero", biases="none"),
        Graded(2),
        True,
        (2, 3),
        1,
        "ecp5-25k",
    ),
    "conv, held, sweeping what was reached, first reached after step 0": (
        conv((5, 5, 1), {"stride": (2, 2)}, biases="low", leak_shift=2),
        Graded(),
        True,
        (4, 3),
        TIMESTEPS,
        "generic",
    ),
    "conv, events of later steps do not count": (
        conv((4, 4, 1), single_spike=True, biases="none"),
        Latency(),
        True,
        (4, 5),
        TIMESTEPS,
        "generic",
    ),
    "conv, graded in every step, not held": (conv((3, 7, 3)), Graded(3), False, (4, 1), TIMESTEPS, "generic"),
    "conv of three channels, held, each neuron firing once, biases below 0": (
        conv_network(
            1,
            (6, 5, 1),
            TIMESTEPS,
            [(3, (3, 3), {}, {**SPEC, "single_spike": True, "biases": "low", "leak_shift": 3})],
            5,
        ),
        Graded(3),
        True,
        (4, 2),
        1,
        "up5k",
    ),
    "dense, held": (
        random_network(2, shape=(13,), widths=(11, 4), **SPEC, leak_shift=1),
        Graded(4),
        True,
        (2, 4),
        1,
        "generic",
    ),
    "dense of few words, held, binary weights": (
        random_network(3, shape=(9,), widths=(6, 4), weight_bits=1, state_bits=9, single_spike=True),
        Graded(1),
        True,
        (3, 2),
        TIMESTEPS,
        "ecp5-25k",
    ),
    "dense, graded in every step": (
        random_network(4, shape=(3, 5), widths=(8, 4), **SPEC, reset="zero"),
        Graded(),
        False,
        (2, 1),
        TIMESTEPS,
        "generic",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_spikes_and_clocks_are_those_of_the_network(name, tmp_path):
    made, encoder, hold, lanes, steps, target = CASES[name]
    network = held(made, encoder, hold)
    plan = make_plan(network, lanes, target)
    emit(plan, tmp_path / "rtl")
    most = encoder.most if isinstance(encoder, Graded) else 1
    spikes = multiplicities(3, network.inputs, most, steps)
    result = simulate(plan, tmp_path / "rtl", spikes, tmp_path / "sim")
    assert_equal_and_on_time(result)
    hidden = sum(layer.neurons for layer in plan.layers)
    assert result["runs"][0]["spikes_compared"] >= hidden * TIMESTEPS * FRAMES


@pytest.mark.parametrize(
    ("encoder", "hold", "field"),
    [(Graded(), False, "encoder.kind = graded"), (Latency(), True, "layers.0.hold = True")],
)
def test_a_core_of_several_events_per_clock_refuses_them_by_name(encoder, hold, field):
    network = held(random_network(widths=(4, 3)), encoder, hold)
    with pytest.raises(
        TwinspikeError, match=f"^{field}: a core of several events per clock c.*events_per_clock"
    ):
        make_plan(network, (), "generic", (2, 1))
