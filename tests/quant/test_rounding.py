"""Rounding layers: thresholds by the rule, scales and thresholds by the calibration, exact ones untouched."""

import dataclasses

import numpy as np
import pytest
from support.graphs import affine, graph, lif, small_graph

from twinspike.numerics.encodings import Threshold
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.nir_import import counting_network, float_layers, round_network, run_layers
from twinspike.quant.rounding import fit_leak, integer_threshold, leak_factor, nearest_shift
from twinspike.sim import golden


def spikes_of(rng, timesteps, frames, inputs):
    return rng.random((timesteps, frames, inputs)) < 0.4


@pytest.mark.parametrize(
    ("threshold", "strict", "expected"),
    [
        (7.0, True, 8),
        (6.99, True, 7),
        (7.0, False, 7),
        (6.01, False, 7),
        (0.2, True, 1),
        (0.2, False, 1),
    ],
)
def test_the_integer_threshold_is_floor_plus_one_or_the_ceiling(threshold, strict, expected):
    layer = float_layers(graph(a=affine(np.ones((1, 1))), b=lif(1, v_threshold=threshold)))[0]
    layer = dataclasses.replace(layer, strict=strict)
    assert integer_threshold(layer, 1.0).tolist() == [expected]
    u = np.arange(-2, 12)
    meant = u > threshold if strict else u >= threshold
    assert np.array_equal(u >= expected, meant | (u >= max(expected, 1)) & meant)


def test_the_nearest_shift():
    assert [nearest_shift(x) for x in (1.0, 0.5, 0.75, 0.9, 0.0, 0.9997)] == [0, 1, 2, 3, 1, 12]
    assert all(nearest_shift(leak_factor(k)) == k for k in range(13))


def test_a_leak_that_is_a_power_of_two_is_taken_over_as_it_is():
    layer = float_layers(small_graph(np.random.default_rng(0)))[0]
    found, shift = fit_leak(layer, spikes_of(np.random.default_rng(1), 6, 20, 5))
    assert shift == 2
    np.testing.assert_array_equal(found.threshold, layer.threshold)


@pytest.mark.parametrize("weight_bits", [1, 2, 4, 8])
def test_the_fit_keeps_the_ranges_and_more_bits_keep_more_spikes(weight_bits):
    rng = np.random.default_rng(3)
    real = float_layers(small_graph(rng, (16, 24, 6), tau=1e-3, r=10.0))
    spikes = spikes_of(rng, 8, 80, 16)
    stages = round_network(real, spikes, weight_bits)
    network = counting_network(
        stages.layers, name="n", timesteps=8, encoder=Threshold(), shape=(16,), provenance={}
    )
    found = golden.run(network, spikes).spikes
    for rounded, train in zip(stages.rounded, (found[0],), strict=False):
        np.testing.assert_array_equal(rounded.run(spikes), train)
    target = run_layers(real, spikes)
    assert target[0].any() and target[1].any()
    share = (found[0] & target[0]).sum() / (found[0] | target[0]).sum()
    assert share > {1: 0.15, 2: 0.4, 4: 0.7, 8: 0.8}[weight_bits]


def test_no_membrane_of_the_calibration_is_clamped():
    rng = np.random.default_rng(4)
    spikes = spikes_of(rng, 8, 50, 16)
    stages = round_network(float_layers(small_graph(rng, (16, 24), tau=1e-3, r=10.0)), spikes, 4)
    layer = stages.layers[0]
    wide = dataclasses.replace(layer, spec=dataclasses.replace(layer.spec, state_bits=32))
    made = [
        counting_network((one,), name="n", timesteps=8, encoder=Threshold(), shape=(16,), provenance={})
        for one in (layer, wide)
    ]
    narrow, free = (golden.run(network, spikes, membranes=True).membranes[0] for network in made)
    np.testing.assert_array_equal(narrow, free)
    assert layer.spec.state_bits < 16


def test_data_of_another_width_and_dead_layers_are_refused():
    real = float_layers(small_graph(np.random.default_rng(0)))
    with pytest.raises(TwinspikeError, match="the network takes 5 inputs, the calibration data have 7"):
        round_network(real, np.zeros((3, 2, 7), bool), 4)
    tiny = graph(a=affine(np.full((2, 2), 1e-9)), b=lif(2))
    with pytest.raises(TwinspikeError, match=r"layer 'a, b': its weights are so small .* would never spike"):
        round_network(float_layers(tiny), np.zeros((3, 2, 2), bool), 4)
