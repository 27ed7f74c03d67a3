"""State words as narrow as the images allow: no spike changes, one bit less would change one."""

import dataclasses

import numpy as np
import pytest
from support.networks import random_network

from twinspike.model.outcome.state_bits import narrowed, with_least_state_bits
from twinspike.numerics.encodings import Latency
from twinspike.sim import golden


def with_bits(network, bits):
    layers = tuple(
        dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, state_bits=b))
        for layer, b in zip(network.layers, bits, strict=True)
    )
    return dataclasses.replace(network, layers=layers)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("single", [False, True])
def test_least_widths_change_no_spike_and_narrower_ones_do(seed, single):
    network = random_network(
        seed, shape=(4, 4), widths=(7, 4), encoder=Latency(0), state_bits=12, single_spike=single
    )
    images = np.random.default_rng(seed).integers(0, 256, (900, 4, 4)).astype(np.uint8)
    narrow, rows, counts = narrowed(network, images, progress=False)
    assert counts.dtype == np.uint8
    assert np.array_equal(counts, golden.run(network, network.encode(images)).output_counts)
    found = [layer.spec.state_bits for layer in narrow.layers]
    assert found == [row["state_bits"] for row in rows] and max(found) < 12
    spikes = network.encode(images)
    want = golden.run(network, spikes).spikes
    assert all(np.array_equal(a, b) for a, b in zip(golden.run(narrow, spikes).spikes, want, strict=True))
    for index, layer in enumerate(narrow.layers):
        for bits in range(2, layer.spec.state_bits):
            others = [bits if i == index else 12 for i in range(2)]
            got = golden.run(with_bits(network, others), spikes).spikes
            assert not np.array_equal(got[index], want[index])


def test_reach_and_clamps_are_of_the_membrane_before_its_clamp():
    network = random_network(1, timesteps=1, shape=(1,), widths=(1,), encoder=Latency(0), state_bits=8)
    layer = dataclasses.replace(
        network.layers[0],
        weight=np.array([[-7]], np.int8),
        bias=np.array([1], np.int32),
        threshold=np.array([5], np.int32),
    )
    network = dataclasses.replace(network, layers=(layer,))
    images = np.array([[255], [255], [255], [255]], np.uint8)
    _, rows = with_least_state_bits(network, images, progress=False)
    # u is -6 everywhere and never reaches 5: two bits do, and clamp it to -2 each time.
    assert rows == [{"configured": 8, "state_bits": 2, "lowest": -6, "highest": 0, "clamped": 1.0}]
