"""Sweeping only what events have reached gives the golden model's spikes, whatever the layer."""

import dataclasses

import numpy as np
import pytest
from support.conv_cores import conv_layer

from twinspike.hw.plan.background import background
from twinspike.hw.plan.conv import ConvPlan
from twinspike.numerics import lif
from twinspike.sim.golden import run_layer


def swept(plan, spikes):
    """Spikes bool [T, N] of one frame bool [T, inputs] by the rule of the hardware, in plain integers."""
    layer, spec, lanes = plan.layer, plan.layer.spec, plan.lanes
    places, sent = plan.places, plan.arriving.sent
    v, fired = np.zeros(places.shape, np.int64), np.zeros(places.shape, bool)
    grounds = plan.backgrounds.reshape(plan.timesteps, -1, lanes)
    words = grounds.shape[1]
    image = plan.weight_image()
    out, reached = np.zeros((len(spikes), layer.neurons), bool), []
    for t, step in enumerate(spikes):
        for address in np.flatnonzero(sent >= 0):
            if not step[sent[address]]:
                continue
            for visit in plan.visits(int(address)):
                if visit.state_word not in reached:
                    reached.append(visit.state_word)
                    v[visit.state_word] = grounds[t, visit.state_word % words]
                v[visit.state_word] += unpacked(image[visit.weight_word], lanes, spec.weight_bits)
        for word in reached:
            channel = word % words
            after, _, now = lif.step(
                v[word],
                fired[word],
                np.zeros(lanes, np.int64),
                plan.biases[channel],
                plan.thresholds[channel],
                leak_shift=0,
                reset=spec.reset,
                single_spike=spec.single_spike,
                state_bits=spec.state_bits,
            )
            v[word], fired[word] = lif.leak(after, spec.leak_shift), fired[word] | now
            own = places[word]
            out[t, own[now & (own >= 0)]] = True
            assert not (now & (own < 0)).any()
    return out, len(reached)


def unpacked(word, lanes, bits):
    codes = np.array([word >> lane * bits & (1 << bits) - 1 for lane in range(lanes)])
    if bits == 1:
        return 1 - 2 * codes
    return codes - ((codes >> bits - 1) << bits)


def random_plan(rng):
    """A layer of any geometry, leak, reset and sign of biases, with thresholds that leave something over."""
    groups = int(rng.choice([1, 1, 2]))
    shape = (int(rng.integers(1, 6)), int(rng.integers(1, 6)), groups * int(rng.integers(1, 3)))
    kernel = tuple(int(rng.integers(1, min(side, 3) + 1)) for side in shape[:2])
    pairs = {
        name: (int(rng.integers(low, 3)), int(rng.integers(low, 3)))
        for name, low in (("stride", 1), ("padding", 0))
    }
    channels, lanes = groups * int(rng.choice([1, 2, 4])), 1
    bits = int(rng.integers(1, 5))
    if bits > 1:
        lanes = int(rng.choice([1, 2, 4]))
        lanes = min(lanes, 1 << (channels - 1).bit_length())
    layer = conv_layer(
        rng,
        shape,
        channels,
        kernel,
        keys=pairs | {"groups": groups},
        biases=str(rng.choice(["any", "low", "none"])),
        weight_bits=bits,
        leak_shift=int(rng.integers(0, 4)),
        reset=str(rng.choice(["subtract", "zero"])),
        single_spike=bool(rng.random() < 0.3),
        state_bits=int(rng.integers(4, 10)),
    )
    thresholds = np.maximum(layer.threshold // int(rng.integers(1, 4)), 1)
    return ConvPlan(
        dataclasses.replace(layer, threshold=thresholds), lanes, "block", timesteps=int(rng.integers(1, 8))
    )


def test_spikes_of_a_sweep_of_what_was_reached_are_those_of_the_golden_model():
    rng = np.random.default_rng(0)
    seen = {"reached": 0, "fewer": 0, "spikes": 0, "grounds": 0}
    for _ in range(700):
        plan = random_plan(rng)
        if not plan.sweeps_reached:
            continue
        spikes = rng.random((plan.timesteps, plan.layer.inputs)) < rng.choice([0.02, 0.1, 0.5])
        golden = run_layer(plan.layer, spikes[:, None])[0][:, 0]
        got, words = swept(plan, spikes)
        np.testing.assert_array_equal(got, golden)
        seen["reached"] += 1
        seen["fewer"] += 0 < words < len(plan.sweep)
        seen["spikes"] += int(golden.sum())
        seen["grounds"] += bool(plan.backgrounds.any() and golden.any())
    assert seen["reached"] > 200 and seen["fewer"] > 60 and seen["spikes"] > 1000 and seen["grounds"] > 30


@pytest.mark.parametrize(("leak", "fires"), [(1, False), (0, True)])
def test_a_background_that_fires_is_none(leak, fires):
    layer = conv_layer(np.random.default_rng(1), (3, 3, 1), 2, (2, 2), leak_shift=leak, state_bits=8)
    layer = dataclasses.replace(layer, bias=np.array([3, -2], np.int32), threshold=np.array([7, 1], np.int32))
    found = background(layer, 4)
    assert (found is None) == fires
    assert ConvPlan(layer, 2, "block", timesteps=4).sweeps_reached != fires
    if not fires:
        # u: 3, 2 + 3, 3 + 3, 3 + 3; half of it, rounded up, is left.
        assert found.tolist() == [[0, 0], [2, -1], [3, -1], [3, -1]]
    # Where T is not known the whole map is swept.
    assert not ConvPlan(layer, 2, "block").sweeps_reached
