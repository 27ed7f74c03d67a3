"""The committed MNIST network: its figures re-measured from the data, without torch."""

import json
from pathlib import Path

import numpy as np
import pytest

from twinspike.config import load_config
from twinspike.model.datasets import DATA_VARIABLE, Dataset, data_folder, load_dataset
from twinspike.model.evaluation import embed, macro_f1
from twinspike.numerics import emd
from twinspike.quant.network import load_network

FOLDER = Path(__file__).parents[1] / "pretrained" / "mnist"


@pytest.fixture(scope="module")
def network():
    return load_network(FOLDER / "network.safetensors")


@pytest.fixture(scope="module")
def metrics():
    return json.loads((FOLDER / "metrics.json").read_text())


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    folder, _ = data_folder("mnist")
    if not (folder / "t10k-images-idx3-ubyte.gz").is_file():
        pytest.skip(f"no MNIST in {folder}: set {DATA_VARIABLE}, or run `twinspike data mnist`")
    return load_dataset("mnist", progress=False)


def test_is_what_the_shipped_configuration_trains(network, metrics):
    config = json.loads(json.dumps(load_config("mnist").table()))
    del config["hardware"]
    assert network.provenance["config"] == config
    assert network.content_hash == metrics["network_hash"]
    assert metrics["torch_golden_mismatches"] == 0
    assert metrics["train_seconds"] <= 20 * 60
    assert metrics["torch_golden_compared"] == 10_000 * network.timesteps * (256 + 32)


def test_is_as_good_and_as_quiet_as_promised(network, metrics, mnist):
    embedding = embed(network, mnist.test_images, progress=False)
    distance = emd.distances(embedding.counts, network.references.counts)
    label = network.references.labels[emd.nearest(distance)[0]]
    assert len(network.references.labels) == 10 and len(label) == 10_000
    score, active = macro_f1(mnist.test_labels, label), embedding.active.mean()
    assert score >= 0.985 and active <= 0.15
    assert max(layer.spec.weight_bits for layer in network.layers) <= 4
    assert score == pytest.approx(metrics["macro_f1"], abs=1e-12)
    assert active == pytest.approx(metrics["hidden_activity"], abs=1e-12)
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (mnist.test_labels, label), 1)
    assert confusion.tolist() == metrics["confusion"]


def test_references_are_medians_of_the_training_classes(network, mnist):
    some = np.flatnonzero(mnist.train_labels == 3)
    counts = embed(network, mnist.train_images[some], progress=False).counts
    stored = network.references.counts[network.references.labels.tolist().index(3)]
    assert np.array_equal(emd.median_reference(counts), stored)
