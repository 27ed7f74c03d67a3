import dataclasses
import json

import numpy as np
import platformdirs
import pytest
from support.networks import random_network

from twinspike.model.data.dataset import Dataset
from twinspike.model.data.shipped import load_dataset
from twinspike.model.outcome import evaluation
from twinspike.model.outcome.evaluation import class_references, draw_pairs, embed, equal_error, evaluate
from twinspike.numerics import emd
from twinspike.numerics.decision import fitted_threshold
from twinspike.numerics.encodings import Latency
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim import golden


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda name: tmp_path / name)


def enrolled(network, dataset):
    """The network with references and threshold from the training images."""
    counts = embed(network, dataset.train_images, progress=False).counts
    references = class_references(counts, dataset.train_labels)
    distance = emd.distances(counts, references.counts)
    threshold = evaluation.choose_verify_threshold(distance, dataset.train_labels, references.labels)
    return dataclasses.replace(network, references=references, verify_threshold=threshold)


@pytest.fixture(scope="module")
def digits():
    whole = load_dataset("digits")
    return dataclasses.replace(
        whole,
        train_images=whole.train_images[:400],
        train_labels=whole.train_labels[:400],
        test_images=whole.test_images[:150],
        test_labels=whole.test_labels[:150],
    )


@pytest.fixture(scope="module")
def network(digits):
    return enrolled(random_network(4, timesteps=6, shape=(8, 8), widths=(40, 16), leak_shift=1), digits)


def test_figures_are_recounted_from_the_golden_trace(network, digits):
    figures = evaluate(network, digits, progress=False)
    inputs = network.encode(digits.test_images)
    trace = golden.run(network, inputs)
    label, truth = trace.results.label, digits.test_labels

    assert figures["accuracy"] == pytest.approx(np.mean(label == truth))
    scores = []
    for c in range(10):
        hits = np.sum((label == c) & (truth == c))
        scores.append(2 * hits / (np.sum(label == c) + np.sum(truth == c)))
    assert figures["macro_f1"] == pytest.approx(np.mean(scores))
    for true in range(10):
        row = [int(np.sum((truth == true) & (label == predicted))) for predicted in range(10)]
        assert figures["confusion"][true] == row

    assert figures["hidden_activity"] == pytest.approx(trace.spikes[0].any(axis=0).mean())
    spikes = [float(train.sum()) / 150 for train in (inputs, *trace.spikes)]
    assert figures["spikes_per_image"] == pytest.approx(
        {"input": spikes[0], "hidden": spikes[1], "output": spikes[2]}
    )
    assert figures["synaptic_operations"] == pytest.approx(spikes[0] * 40 + spikes[1] * 16)
    assert figures["test_images"] == 150 and figures["knn_train_images"] == 400
    assert 0 < figures["hidden_activity"] < 1


def test_verification_against_references_uses_the_networks_threshold(network, digits):
    figures = evaluate(network, digits, progress=False)["verification_reference"]
    counts = golden.run(network, network.encode(digits.test_images)).output_counts
    distance = emd.distances(counts, network.references.counts)
    accepted, same = distance <= network.verify_threshold, digits.test_labels[:, None] == np.arange(10)
    assert figures["false_accept"] == pytest.approx(accepted[~same].mean())
    assert figures["false_reject"] == pytest.approx((~accepted)[same].mean())
    own, other = distance[same][:, None], distance[~same][None]
    assert figures["roc_auc"] == pytest.approx(np.mean(own < other) + np.mean(own == other) / 2)
    assert 0.5 < figures["roc_auc"] < 1 and 0 < figures["eer"] < 0.5


def test_evaluation_is_repeatable_and_json_ready(network, digits):
    first = evaluate(network, digits, progress=False)
    assert json.loads(json.dumps(first)) == first == evaluate(network, digits, progress=False)
    assert set(first["verification"]) == {"roc_auc", "eer", "threshold", "pairs"}
    counts = embed(network, digits.train_images, progress=False).counts
    assert evaluate(network, digits, train_counts=counts, progress=False) == first


def test_a_perfect_embedding_gets_perfect_figures():
    # Images of class c light pixel c alone; identity weights pass them through.
    images = (np.eye(4) * 255).astype(np.uint8).reshape(4, 1, 4).repeat(5, axis=0)
    labels = np.arange(4).repeat(5)
    dataset = Dataset("eye", images, labels, images, labels, {"eye": "0"})
    network = random_network(0, shape=(1, 4), widths=(4,), classes=4, encoder=Latency(1), leak_shift=0)
    layer = dataclasses.replace(
        network.layers[0],
        weight=np.eye(4, dtype=np.int8),
        bias=np.zeros(4, np.int32),
        threshold=np.ones(4, np.int32),
    )
    network = enrolled(dataclasses.replace(network, layers=(layer,)), dataset)
    figures = evaluate(network, dataset, progress=False)
    for key in ("macro_f1", "accuracy", "macro_f1_knn", "baseline_knn_macro_f1"):
        assert figures[key] == 1.0
    assert figures["verification"] == {"roc_auc": 1.0, "eer": 0.0, "threshold": 0, "pairs": evaluation.PAIRS}
    assert figures["confusion"] == (5 * np.eye(4)).astype(int).tolist()
    assert figures["hidden_activity"] == 0 and figures["spikes_per_image"]["hidden"] == 0
    assert network.verify_threshold == 0


def test_embed_in_chunks_equals_one_golden_run(network, digits, monkeypatch):
    whole = golden.run(network, network.encode(digits.test_images)).output_counts
    monkeypatch.setattr(evaluation, "CHUNK_BYTES", 7 * 6 * 64)
    embedding = embed(network, digits.test_images, progress=False)
    assert np.array_equal(embedding.counts, whole) and embedding.counts.dtype == np.uint8


def test_images_of_another_shape_are_refused(network):
    with pytest.raises(TwinspikeError) as caught:
        embed(network, np.zeros((2, 28, 28), np.uint8), progress=False)
    assert str(caught.value) == (
        "images are [28, 28] but network 'tiny' takes [8, 8]: "
        "evaluate it on the dataset that it was trained for"
    )


def test_class_references_are_medians_by_label():
    spikes = np.random.default_rng(0).random((5, 9, 3)) < 0.5
    counts, labels = emd.cumulative_counts(spikes), np.array([7, 2, 7, 2, 7, 2, 7, 2, 7])
    references = class_references(counts, labels)
    assert references.labels.tolist() == [2, 7] and references.labels.dtype == np.int32
    assert np.array_equal(references.counts[1], np.median(counts[:, labels == 7], axis=1))
    assert np.array_equal(references.counts[0], np.sort(counts[:, labels == 2], axis=1)[:, 1])
    assert references.counts.dtype == np.uint8


def test_equal_error_point_by_hand():
    distance = np.array([1, 2, 3, 9, 3, 8, 9, 10])
    same = np.array([1, 1, 1, 1, 0, 0, 0, 0], dtype=bool)
    # at 3: one of four others accepted, one of four own rejected
    assert equal_error(distance, same) == (0.25, 3)
    assert equal_error(np.array([5, 1]), np.array([False, True])) == (0.0, 1)
    with pytest.raises(TwinspikeError, match="verification needs pairs of the same class and of diff"):
        equal_error(distance, np.ones(8, dtype=bool))


def test_verify_threshold_weighs_own_against_all_other_references():
    distance = np.array([[2, 9, 9], [9, 3, 9], [9, 9, 4], [5, 9, 6]])
    labels, reference_labels = np.array([10, 20, 30, 10]), np.array([10, 20, 30])
    threshold = evaluation.choose_verify_threshold(distance, labels, reference_labels)
    assert threshold == 5 and type(threshold) is int


@pytest.mark.parametrize("counts", [[3, 5, 2], [40, 1, 2, 7]])
def test_pairs_are_half_of_one_class_and_never_an_image_with_itself(counts):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)) * 3, counts))
    if min(counts) < 2:
        with pytest.raises(TwinspikeError, match="two classes or more with at least two test images each"):
            draw_pairs(labels, 10, np.random.default_rng(1))
        return
    first, second, same = draw_pairs(labels, 4000, np.random.default_rng(1))
    assert np.array_equal(labels[first] == labels[second], same) and same.sum() == 2000
    assert (first != second).all()
    drawn = set(zip(first.tolist(), second.tolist(), strict=True))
    assert len(drawn) == 10 * 9  # every ordered pair of the ten images came up


def test_classes_of_one_image_make_no_pairs():
    """A dataset of one's own may have a single test image of each class: figures of pairs are then absent."""
    counts = np.random.default_rng(2).integers(0, 3, (4, 6, 5), dtype=np.uint8).cumsum(axis=0, dtype=np.uint8)
    rng = np.random.default_rng(1)
    assert evaluation.verify_pairs(counts, np.arange(6), rng) == {"pairs": 0}
    found = evaluation.verify_pairs(counts, np.array([0, 0, 1, 1, 2, 3]), rng)
    assert found["pairs"] == evaluation.PAIRS and 0 <= found["eer"] <= 1


def test_own_thresholds_are_fitted_one_reference_at_a_time():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 90)
    distance = rng.integers(5, 40, (90, 3))
    distance[np.arange(90), labels] -= rng.integers(0, 6, 90)
    found = evaluation.own_thresholds(distance, labels, np.array([0, 1, 2]))
    assert found.dtype == np.int32
    each = [fitted_threshold(distance[labels == k, k], distance[labels != k, k]) for k in range(3)]
    assert found.tolist() == each
    with pytest.raises(
        TwinspikeError, match=r"training.own_thresholds: reference 3 needs images of its class"
    ):
        evaluation.own_thresholds(distance, labels, np.array([0, 1, 3]))
