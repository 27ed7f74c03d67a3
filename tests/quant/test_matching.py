"""The measure that fits leaks and thresholds: silence is never the best, late spikes cost their delay."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import affine, graph, lif

from twinspike.numerics import emd
from twinspike.quant.matching import choose_thresholds, mismatch
from twinspike.quant.nir_import import float_layers, round_network, run_layers
from twinspike.quant.rounding import fit_leak, leak_factor, neighbours


def test_mismatch_is_the_distance_and_t_for_each_spike_too_many_or_too_few():
    rng = np.random.default_rng(0)
    found, target = rng.random((2, 9, 7, 5)) < 0.3
    for j in range(5):
        tables = [emd.cumulative_counts(train[:, :, j : j + 1]) for train in (found, target)]
        surplus = abs(int(found[..., j].sum()) - int(target[..., j].sum()))
        assert mismatch(found, target)[j] == emd.emd(*tables).sum() + 9 * surplus


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 6), st.floats(0.02, 0.6))
def test_no_train_of_the_right_rate_is_worse_than_silence(seed, timesteps, frames, rate):
    rng = np.random.default_rng(seed)
    target = rng.random((timesteps, frames, 1)) < rate
    moved = rng.permutation(target.reshape(-1)).reshape(target.shape)
    silent = mismatch(np.zeros_like(target), target)
    assert mismatch(moved, target)[0] <= silent[0]
    assert silent[0] > 0 or not target.any()


def test_the_measure_of_differing_positions_would_have_chosen_silence():
    """One spike per frame, and thresholds that give it a step late or not at all."""
    target = np.zeros((10, 8, 1), bool)
    target[4] = True
    late = np.roll(target, 1, axis=0)
    assert (late != target).sum() > (~target & False != target).sum()

    def run(threshold):
        return late if threshold[0] < 2 else np.zeros_like(target)

    chosen, cost = choose_thresholds([np.array([2.0]), np.array([1.0])], run, target)
    assert chosen.tolist() == [1.0] and cost.tolist() == [8.0]


def test_what_helps_on_the_frames_it_was_chosen_on_only_is_not_kept():
    target = np.zeros((6, 4, 2), bool)
    target[2] = True
    other = np.array(target)
    other[:, ::2] = False  # neuron 0 plain: wrong on even frames; moved: wrong on odd ones, and more so
    moved = np.array(target)
    moved[:, 1::2, 0] = True

    def run(threshold):
        return np.stack([(other, moved)[int(x)][..., j] for j, x in enumerate(threshold)], axis=-1)

    chosen, _ = choose_thresholds([np.zeros(2), np.ones(2)], run, target)
    assert chosen.tolist() == [0.0, 1.0]


def test_a_leak_between_the_weakest_and_none_stays_there():
    assert [neighbours(k) for k in (0, 1, 3, 12)] == [[0, 12], [1, 2], [3, 2, 4], [12, 11, 0]]
    layer = float_layers(graph(a=affine(np.full((3, 4), 0.3)), b=lif(3, tau=2.0, r=2e4)))[0]  # decay 0.99995
    spikes = np.random.default_rng(0).random((12, 30, 4)) < 0.2
    found, shift = fit_leak(layer, spikes)
    assert shift in (0, 12)
    rates = [one.run(spikes).mean() for one in (layer, found)]
    assert rates[1] == pytest.approx(rates[0], rel=0.05)


@pytest.mark.parametrize("decay", [0.9, 0.97, 0.3])
def test_sparse_slow_neurons_keep_their_rate(decay):
    """Inputs of 2 % drive neurons that spike a few times in a hundred frames: rounding them kept a part."""
    rng = np.random.default_rng(1)
    tau = 1e-4 / (1 - decay)
    made = graph(
        fc0=affine(rng.normal(0.08, 0.25, (24, 40))),
        lif0=lif(24, tau=tau, r=tau / 1e-4),
        fc1=affine(rng.normal(0.15, 0.3, (10, 24))),
        lif1=lif(10, tau=tau, r=tau / 1e-4),
    )
    real = float_layers(made)
    spikes = rng.random((30, 300, 40)) < 0.02
    stages = round_network(real, spikes, 4)
    others = rng.random((30, 300, 40)) < 0.02
    inputs = others
    for rounded, target in zip(stages.rounded, run_layers(real, others), strict=True):
        inputs = rounded.run(inputs)
        assert target.mean() > 0.0002
        assert inputs.mean() == pytest.approx(target.mean(), rel=0.15)


def test_fitting_is_never_worse_than_the_nearest_shift_alone():
    rng = np.random.default_rng(2)
    layer = float_layers(graph(a=affine(rng.normal(0.1, 0.8, (20, 12))), b=lif(20, tau=1e-3, r=10.0)))[0]
    spikes = rng.random((10, 60, 12)) < 0.4
    plain = dataclasses.replace(layer, decay=np.full(20, leak_factor(3)))
    found, _ = fit_leak(layer, spikes)
    target = layer.run(spikes)
    assert target.any()
    assert mismatch(found.run(spikes), target).sum() <= mismatch(plain.run(spikes), target).sum()
