import dataclasses
import itertools
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.networks import counting, random_layer, random_network, random_references

from twinspike.numerics import emd
from twinspike.numerics.encodings import Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.layer import Layer
from twinspike.quant.network import Network
from twinspike.quant.spec import RESETS, NeuronSpec
from twinspike.sim import golden


def interpret(network, frame):
    """The network in plain loops over Python integers, straight from the definition.

    frame[t]: the set of inputs that spike in step t. Gives spikes and membranes, [layer][t][neuron].
    """
    spikes, membranes = [], []
    for layer in network.layers:
        spec, neurons = layer.spec, len(layer.weight)
        low, high = -(2 ** (spec.state_bits - 1)), 2 ** (spec.state_bits - 1) - 1
        v, fired = [0] * neurons, [False] * neurons
        out, states = [], []
        for active in frame:
            row = []
            for j in range(neurons):
                leaked = v[j] if spec.leak_shift == 0 else v[j] - (v[j] >> spec.leak_shift)
                current = sum(int(layer.weight[j, i]) for i in active)
                u = max(low, min(high, leaked + int(layer.bias[j]) + current))
                s = u >= layer.threshold[j] and not (spec.single_spike and fired[j])
                fired[j] = fired[j] or s
                v[j] = u
                if s:
                    v[j] = u - int(layer.threshold[j]) if spec.reset == "subtract" else 0
                row.append(bool(s))
            out.append(row)
            states.append(list(v))
        spikes.append(out)
        membranes.append(states)
        frame = [{j for j, s in enumerate(row) if s} for row in out]
    return spikes, membranes


def interpret_result(network, output):
    """(label, distance, runner-up, same) of output spikes [t][neuron], by plain loops."""
    distances = []
    for reference in network.references.counts.astype(int).tolist():
        total, counts = 0, [0] * network.outputs
        for t, row in enumerate(output):
            counts = [c + s for c, s in zip(counts, row, strict=True)]
            total += sum(abs(c - r) for c, r in zip(counts, reference[t], strict=True))
        distances.append(total)
    best = min(range(len(distances)), key=lambda k: (distances[k], k))
    runner_up = min((d for k, d in enumerate(distances) if k != best), default=0xFFFFFFFF)
    label = int(network.references.labels[best])
    return label, distances[best], runner_up, distances[best] <= network.verify_threshold


SPECS = st.fixed_dictionaries(
    {
        "weight_bits": st.integers(1, 8),
        "leak_shift": st.sampled_from([0, 1, 2, 3, 7, 31]),
        "reset": st.sampled_from(RESETS),
        "single_spike": st.booleans(),
        "state_bits": st.sampled_from([2, 3, 4, 6, 8, 12, 16, 31, 32]),
    }
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_golden_equals_the_definition_in_plain_loops(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    timesteps = data.draw(st.integers(1, 9))
    widths = data.draw(st.lists(st.integers(1, 7), min_size=2, max_size=4))
    layers = []
    for inputs, neurons in itertools.pairwise(widths):
        layer = random_layer(rng, inputs, neurons, **data.draw(SPECS))
        # up to the ends of 32 bits: a membrane at its rail, a threshold out of reach
        reach = data.draw(st.sampled_from([1, 1, 1, 50, 2**31 - 1]))
        bias = np.clip(layer.bias.astype(np.int64) * reach, -(2**31), 2**31 - 1).astype(np.int32)
        threshold = np.clip(layer.threshold.astype(np.int64) * reach, 1, 2**31 - 1).astype(np.int32)
        layers.append(dataclasses.replace(layer, bias=bias, threshold=threshold))
    references = random_references(rng, data.draw(st.integers(1, 4)), timesteps, widths[-1])
    encoder, limit = Latency(), data.draw(st.integers(0, 40))
    network = Network("drawn", timesteps, encoder, (widths[0],), tuple(layers), references, limit)
    spikes = rng.random((timesteps, 3, widths[0])) < data.draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))

    trace = golden.run(network, spikes, membranes=True, batch=data.draw(st.integers(1, 4)))

    for b in range(3):
        frame = [set(np.flatnonzero(row).tolist()) for row in spikes[:, b]]
        expected_spikes, expected_membranes = interpret(network, frame)
        for index in range(len(layers)):
            assert trace.spikes[index][:, b].tolist() == expected_spikes[index]
            assert trace.membranes[index][:, b].tolist() == expected_membranes[index]
        results = trace.results
        record = (results.label[b], results.distance[b], results.runner_up[b], results.same[b])
        assert record == interpret_result(network, expected_spikes[-1])


def test_a_neuron_by_hand():
    layer = Layer(
        NeuronSpec(weight_bits=4, leak_shift=1, reset="subtract", single_spike=False, state_bits=5),
        np.array([[7, -5]], np.int8),
        np.array([1], np.int32),
        np.array([6], np.int32),
    )
    references = random_references(np.random.default_rng(0), 1, 4, 1)
    network = Network("hand", 4, Latency(), (2,), (layer,), references, 0)
    spikes = np.array([[1, 0], [0, 1], [1, 0], [1, 0]], dtype=bool)[:, None]
    trace = golden.run(network, spikes, membranes=True)
    # 8 fires, 2 stays; 1 - 5 + 1 = -3; -3 - (-2) = -1, + 8 = 7 fires, 1 stays; 1 - 0 + 8 = 9 fires, 3
    assert trace.membranes[0][:, 0, 0].tolist() == [2, -3, 1, 3]
    assert trace.spikes[0][:, 0, 0].tolist() == [True, False, True, True]
    assert trace.output_counts[:, 0, 0].tolist() == [1, 1, 2, 3]


def test_later_layers_see_spikes_of_the_same_step():
    wire = Layer(
        NeuronSpec(weight_bits=2, leak_shift=0),
        np.array([[1]], np.int8),
        np.array([0], np.int32),
        np.array([1], np.int32),
    )
    references = random_references(np.random.default_rng(0), 1, 3, 1)
    network = Network("wires", 3, Latency(), (1,), (wire,) * 3, references, 0)
    spikes = np.array([0, 1, 0], dtype=bool).reshape(3, 1, 1)
    for train in golden.run(network, spikes).spikes:
        assert np.array_equal(train, spikes)


def test_the_widest_layer_sums_exactly():
    weight = np.full((2, 32768), 127, np.int8)
    weight[1] = -127
    spec = NeuronSpec(weight_bits=8, leak_shift=0, state_bits=32)
    layer = Layer(spec, weight, np.array([1, -1], np.int32), np.array([2**31 - 1] * 2, np.int32))
    references = random_references(np.random.default_rng(0), 1, 2, 2)
    network = Network("wide", 2, Latency(), (32768,), (layer,), references, 0)
    trace = golden.run(network, np.ones((2, 1, 32768), dtype=bool), membranes=True)
    total = 32768 * 127 + 1
    assert trace.membranes[0][:, 0].tolist() == [[total, -total], [2 * total, -2 * total]]


def test_batching_changes_nothing_and_membranes_are_optional():
    network = random_network(3, timesteps=6)
    spikes = np.random.default_rng(1).random((6, 7, 6)) < 0.5
    whole, parts = golden.run(network, spikes), golden.run(network, spikes, batch=2)
    assert whole.membranes is None
    for a, b in zip(whole.spikes, parts.spikes, strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(whole.results.distance, parts.results.distance)
    assert golden.run(network, spikes[:, :0]).results.label.shape == (0,)


def test_long_frames_of_wide_layers_go_fewer_at_a_time(monkeypatch):
    network = random_network(3, timesteps=6)
    spikes = np.random.default_rng(1).random((6, 7, 6)) < 0.5
    whole, taken, run = golden.run(network, spikes), [], golden._run_layers

    def noted(network, spikes, membranes):
        taken.append(spikes.shape[1])
        return run(network, spikes, membranes)

    monkeypatch.setattr(golden, "_run_layers", noted)
    monkeypatch.setattr(golden, "MOST_CURRENTS", 3 * 6 * max(x.neurons for x in network.layers))
    parts = golden.run(network, spikes)
    assert taken == [3, 3, 1]
    assert all(np.array_equal(a, b) for a, b in zip(whole.spikes, parts.spikes, strict=True))


@pytest.mark.parametrize("shape", [(6, 2, 6), (5, 2, 7), (5, 6)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(TwinspikeError) as caught:
        golden.run(random_network(), np.zeros(shape, dtype=bool))
    assert str(caught.value) == f"input spikes shape = {shape} is not allowed: expected [5, frames, 6]"


def test_ten_thousand_images_in_under_ten_seconds():
    network = random_network(0, timesteps=8, shape=(28, 28), widths=(256, 32), classes=10)
    images = np.random.default_rng(0).integers(0, 256, (10_000, 28, 28), dtype=np.uint8)
    start = time.perf_counter()
    golden.run(network, network.encode(images))
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("module", ["sim.golden", "quant.network", "numerics.encodings", "config"])
def test_hardware_side_modules_load_without_torch(module):
    code = f"import sys, twinspike.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_counting_takes_the_neuron_that_spikes_most():
    network = counting(random_network(1, timesteps=4, widths=(3,)), verify_threshold=2)
    trains = np.array([[[0, 1, 1], [0, 1, 1], [0, 0, 0], [1, 0, 0]], np.zeros((4, 3)), np.ones((4, 3))], bool)
    found = golden.classify(network, emd.cumulative_counts(trains.transpose(1, 0, 2)))
    assert found.label.tolist() == [1, 0, 0]
    assert found.distance.tolist() == [2, 4, 0]
    assert found.runner_up.tolist() == [2, 4, 0]
    assert found.same.tolist() == [True, False, True]
