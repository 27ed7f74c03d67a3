"""Neuron lanes against numerics.lif.step, driven with pairs as the synapse walker gives them."""

import dataclasses
import itertools

import numpy as np
import pytest
from support.networks import random_layer
from support.streams import bench

from twinspike.hw.layers.neurons import Neurons
from twinspike.hw.plan.dense import DensePlan
from twinspike.numerics import lif
from twinspike.quant.layer import Layer
from twinspike.quant.spec import RESETS, NeuronSpec


def golden(layer, spikes):
    """Spikes bool [frames, T, inputs] -> bool [frames, T, N]."""
    weight = layer.weight.T.astype(np.int64)
    v = np.zeros((len(spikes), layer.neurons), np.int64)
    fired, out = np.zeros(v.shape, bool), []
    for t in range(spikes.shape[1]):
        v, fired, spike = lif.step(
            v,
            fired,
            spikes[:, t].astype(np.int64) @ weight,
            layer.bias.astype(np.int64),
            layer.threshold.astype(np.int64),
            leak_shift=layer.spec.leak_shift,
            reset=layer.spec.reset,
            single_spike=layer.spec.single_spike,
            state_bits=layer.spec.state_bits,
            forget=layer.spec.forget,
        )
        out.append(spike)
    return np.stack(out, axis=1)


def hardware(layer, lanes, spikes):
    """The same from Neurons: one clock a pair, an operation as long as its plan says, a quiet sweep first."""
    plan = DensePlan(layer, lanes, "block")
    frames, timesteps, _ = spikes.shape
    image = plan.weight_image()
    operations = [(None, True, True)]
    for frame, t in itertools.product(range(frames), range(timesteps)):
        operations += [(int(i), False, False) for i in np.flatnonzero(spikes[frame, t])]
        operations.append((None, t == timesteps - 1, False))
    dut = Neurons(plan)
    out = np.zeros((frames * timesteps, plan.words, lanes), bool)
    places, clocks = [], []

    async def testbench(ctx):
        clock, weights = 0, 0
        # Two events more, so that the last sweep leaves the pipeline.
        for address, last, quiet in [*operations, *[(0, False, False)] * 3]:
            for word in range(plan.tick_clocks if address is None else plan.row_clocks):
                walking = word < plan.words
                ctx.set(dut.pair_valid, walking)
                if walking:
                    tick = address is None
                    ctx.set(dut.pair, {"word": word, "tick": tick, "last": last, "quiet": quiet})
                    if tick and not quiet:
                        clocks.append(clock)
                ctx.set(dut.weights, weights)
                # Whatever a TICK finds there is not used.
                weights = -1 % (1 << plan.weight_word_bits)
                if address is not None and walking:
                    weights = image[address * plan.words + word]
                if ctx.get(dut.spikes_valid):
                    got = ctx.get(dut.spikes)
                    step = len(places) // plan.words
                    assert got.word == len(places) % plan.words
                    assert got.end == (got.word == plan.words - 1)
                    assert got.last == (step % timesteps == timesteps - 1)
                    out[step, got.word] = [got.mask >> j & 1 for j in range(lanes)]
                    places.append(clock)
                clock += 1
                await ctx.tick()

    bench(dut, testbench)
    # Spikes come five clocks after their pair.
    assert places == [clock + 5 for clock in clocks]
    flat = out.reshape(frames, timesteps, -1)
    assert not flat[:, :, layer.neurons :].any()
    return flat[:, :, : layer.neurons]


CASES = [
    (bits, leak, reset, single)
    for index, (bits, leak) in enumerate(itertools.product(range(1, 9), range(8)))
    for reset, single in [
        [("subtract", False), ("zero", True), ("zero", False), ("subtract", True)][index % 4]
    ]
]


@pytest.mark.parametrize(("reset", "single"), list(itertools.product(RESETS, (False, True))))
def test_neurons_that_forget_start_every_step_from_nothing(reset, single):
    rng = np.random.default_rng(0)
    keys = {"leak_shift": 0, "forget": True, "reset": reset, "single_spike": single, "state_bits": 6}
    layer = random_layer(rng, 4, 7, **keys)
    spikes = rng.random((4, 6, 4)) < 0.6
    want = golden(layer, spikes)
    assert np.array_equal(hardware(layer, 3, spikes), want)
    keeps = dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, forget=False))
    assert not np.array_equal(golden(keeps, spikes), want)


@pytest.mark.parametrize(("bits", "leak", "reset", "single"), CASES)
def test_spikes_equal_the_integer_equation(bits, leak, reset, single):
    rng = np.random.default_rng(bits * 8 + leak)
    # Narrow states meet both rails; lanes often do not divide the neurons.
    state_bits = int(rng.integers(2, 9))
    neurons, inputs = int(rng.integers(1, 8)), 4
    layer = random_layer(
        rng,
        inputs,
        neurons,
        weight_bits=bits,
        leak_shift=leak,
        reset=reset,
        single_spike=single,
        state_bits=state_bits,
    )
    reach = 1 << (state_bits - 1)
    thresholds = np.array([1, reach - 1 or 1, reach, 2**31 - 1])
    some = rng.random(neurons) < 0.3
    layer = dataclasses.replace(
        layer, threshold=np.where(some, rng.choice(thresholds, neurons), layer.threshold).astype(np.int32)
    )
    spikes = rng.random((4, 6, inputs)) < rng.choice([0.1, 0.6, 1.0], size=(4, 1, 1))
    lanes = int(rng.integers(1, neurons + 1))
    assert np.array_equal(hardware(layer, lanes, spikes), golden(layer, spikes))


@pytest.mark.parametrize(
    ("leak", "reset", "single"),
    [(0, "zero", False), (1, "subtract", False), (1, "zero", True), (2, "subtract", True)],
)
def test_every_membrane_and_current_of_a_three_bit_state(leak, reset, single):
    """A step sets v to each of -4..3, the next adds each current; a third shows what remained."""
    currents = np.arange(-5, 6)
    spec = NeuronSpec(weight_bits=4, leak_shift=leak, reset=reset, single_spike=single, state_bits=3)
    thresholds = np.array([1, 2, 3, 4, 5], np.int32)
    neurons = len(thresholds)
    weight = np.tile(currents.astype(np.int8), (neurons, 1))
    layer = Layer(spec, weight, np.zeros(neurons, np.int32), thresholds)
    pairs = list(itertools.product(range(len(currents)), repeat=2))
    spikes = np.zeros((len(pairs), 3, len(currents)), bool)
    for frame, (first, second) in enumerate(pairs):
        spikes[frame, 0, first] = spikes[frame, 1, second] = True
    spikes[:, 2, 7] = True  # + 2
    want = golden(layer, spikes)
    assert want.any(axis=(0, 1)).tolist() == [True, True, True, False, False]
    assert np.array_equal(hardware(layer, 1, spikes), want)


def test_biases_at_the_rails_of_32_bits_neither_overflow_nor_shift():
    spec = NeuronSpec(weight_bits=8, leak_shift=1, state_bits=32)
    bias = np.array([2**31 - 1, -(2**31), 2**30, -1, 0], np.int32)
    threshold = np.array([2**31 - 1, 1, 2**31 - 1, 1, 1], np.int32)
    weight = np.array([[127, 127], [-127, -127], [127, -127], [1, 0], [1, -1]], np.int8)
    layer = Layer(spec, weight, bias, threshold)
    spikes = np.random.default_rng(0).random((6, 8, 2)) < 0.6
    assert np.array_equal(hardware(layer, 2, spikes), golden(layer, spikes))
