"""Refined references: valid spike trains, better on what they are refined for and on other images."""

import dataclasses

import numpy as np
import torch
from support.networks import random_network

from twinspike.config import load_config
from twinspike.model.data.dataset import Dataset
from twinspike.model.outcome.evaluation import class_references, own_thresholds
from twinspike.model.outcome.references import _neighbours, refined, refined_if_better
from twinspike.model.outcome.results import with_references
from twinspike.numerics import emd
from twinspike.quant.network import References

T, N = 6, 8


def clouds(seed: int, images: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Three classes of noisy trains: 4 and 6 differ in one neuron, and 4 is the wider of the two."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([4, 6, 9], images)
    rate = np.array([[0.5] * N, [0.8] + [0.5] * (N - 1), [0.05] * N])[np.searchsorted([4, 6, 9], labels)]
    spikes = rng.random((T, images, N)) < rate
    return emd.cumulative_counts(spikes).astype(np.uint8), labels


def accuracy(references, counts, labels):
    index, _, _ = emd.nearest(emd.distances(counts, references.counts))
    return float((references.labels[index] == labels).mean())


def loss(references, counts, labels, temperature):
    logits = -emd.distances(counts, references.counts) / (temperature * T * N)
    log_share = torch.from_numpy(logits).log_softmax(1).numpy()
    return -log_share[np.arange(len(labels)), np.searchsorted(references.labels, labels)].mean()


def test_refined_references_are_better_ones_and_still_spike_trains():
    counts, labels = clouds(0)
    medians = class_references(counts, labels)
    better = refined(medians, counts, labels, 0.05, progress=False)
    assert better.counts.dtype == np.uint8 and np.array_equal(better.labels, medians.labels)
    steps = np.diff(better.counts.astype(int), axis=1, prepend=0)
    assert set(np.unique(steps)) <= {0, 1}
    assert loss(better, counts, labels, 0.05) < loss(medians, counts, labels, 0.05) - 0.02
    others, known = clouds(1)
    assert accuracy(better, others, known) > accuracy(medians, others, known) + 0.01
    # Converged: nothing is left to change, so a second run gives the same.
    again = refined(better, counts, labels, 0.05, progress=False)
    assert np.array_equal(again.counts, better.counts)


def test_neighbours_of_a_train_differ_in_one_spike():
    train = torch.tensor([0.0, 1, 1, 0, 1])
    found = _neighbours(train.cumsum(0))
    spikes = {tuple(row) for row in found.diff(prepend=torch.zeros(len(found), 1)).int().tolist()}
    turned = {tuple(int(v) ^ (i == j) for j, v in enumerate(train)) for i in range(5)}
    moved = {(1, 0, 1, 0, 1), (0, 1, 0, 1, 1), (0, 1, 1, 1, 0)}
    assert torch.equal(found[0], train.cumsum(0))
    assert spikes == {(0, 1, 1, 0, 1)} | turned | moved


def test_refining_is_kept_only_if_it_helps_on_images_held_out(capsys, monkeypatch):
    counts, labels = clouds(0)
    medians = class_references(counts, labels)
    found = refined_if_better(medians, counts, labels, 0.05, progress=False)
    assert np.array_equal(found.counts, refined(medians, counts, labels, 0.05, progress=False).counts)
    assert "refined kept" in capsys.readouterr().err
    # Whatever comes back worse is not taken: here the references of two classes change places.
    monkeypatch.setattr(
        "twinspike.model.outcome.references.refined",
        lambda old, *_, **__: References(old.counts[[1, 0, 2]], old.labels),
    )
    assert refined_if_better(medians, counts, labels, 0.05, progress=False) is medians
    assert "): medians kept" in capsys.readouterr().err


def test_too_few_images_to_judge_by_leave_the_medians(capsys):
    counts, labels = clouds(0)
    some = np.concatenate([np.flatnonzero(labels == label)[:4] for label in (4, 6, 9)])
    medians = class_references(counts[:, some], labels[some])
    assert refined_if_better(medians, counts[:, some], labels[some], 0.05, progress=False) is medians
    assert "fewer than 5 images per class" in capsys.readouterr().err


def test_references_get_thresholds_of_their_own_where_the_configuration_asks_for_them():
    counts, labels = clouds(3)
    images = np.zeros((len(labels), 2, 3), np.uint8)
    dataset = Dataset("clouds", images, labels, images, labels, {})
    network = random_network(1, timesteps=T, widths=(4, N))
    plain = load_config("digits")
    without = with_references(network, plain, dataset, counts, False)
    assert without.references.threshold is None
    found = with_references(
        network, plain.changed("own", training={"own_thresholds": True}), dataset, counts, False
    )
    distance = emd.distances(counts, found.references.counts)
    wanted = own_thresholds(distance, labels, found.references.labels)
    assert (found.references.threshold == wanted).all() and len(set(wanted.tolist())) > 1
    bare = dataclasses.replace(found.references, threshold=None)
    assert dataclasses.replace(found, references=bare).to_bytes() == without.to_bytes()
