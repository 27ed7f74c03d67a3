"""Training end to end on a tiny task: repeatable, resumable to the byte, honest about failure."""

import dataclasses
import json
import os
import signal

import numpy as np
import pytest

from twinspike.config import load_config
from twinspike.model.data.dataset import Dataset
from twinspike.model.network.network import SpikingNetwork
from twinspike.model.outcome import results
from twinspike.model.rules import surrogate
from twinspike.model.rules.base import Means, make_rule
from twinspike.model.rules.ranks import Ranks
from twinspike.model.training import training
from twinspike.model.training.checkpoint import load_checkpoint
from twinspike.model.training.training import TrainingInterrupted, train
from twinspike.numerics import emd
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import load_network
from twinspike.sim import golden

TINY = """
seed = 3
timesteps = 5
[[layers]]
neurons = 24
state_bits = 8
[[layers]]
neurons = 8
weight_bits = 2
[training]
epochs = 4
batch_size = 20
learning_rate = 0.02
reference_temperature = 0.0
surrogate_slope = 1.0
shift = 0.2
"""


def stripes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy 6x6 images of three classes: a bright column at the left, in the middle, at the right."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(0, 60, (count, 6, 6))
    images[np.arange(count), :, 2 * labels] = rng.integers(150, 256, (count, 6))
    return images.astype(np.uint8), labels.astype(np.int64)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset("stripes", *stripes(240, 0), *stripes(90, 1), {"stripes": "none"})


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(TINY)
    return load_config(str(path))


@pytest.fixture(scope="module")
def trained(config, dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    return out, train(config, out, dataset=dataset, progress=False)


def change(config, **settings):
    return dataclasses.replace(config, training=dataclasses.replace(config.training, **settings))


def test_learns_and_reports(trained, config, dataset):
    out, metrics = trained
    assert metrics["macro_f1"] > 0.9
    assert json.loads(json.dumps(metrics)) == json.loads((out / "metrics.json").read_text())
    assert metrics["torch_golden_mismatches"] == 0
    assert metrics["torch_golden_compared"] == 90 * 5 * (24 + 8)
    assert metrics["weight_bits"] == [4, 2] and metrics["epochs"] == 4 and metrics["seed"] == 3
    rows = [json.loads(line) for line in (out / "train.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert rows[-1]["loss"] < rows[0]["loss"]


@pytest.mark.parametrize("loss", ["triplet", "contrastive"])
def test_other_losses_learn_too(loss, config, dataset, tmp_path):
    settings = {"loss": loss, "activity_weight": 0.1, "epochs": 8}
    metrics = train(change(config, **settings), tmp_path, dataset=dataset, progress=False)
    assert metrics["macro_f1"] > 0.85 and metrics["verification"]["roc_auc"] > 0.85


def test_network_file_is_complete(trained, dataset):
    out, metrics = trained
    network = load_network(out / "network.safetensors")
    assert network.content_hash == metrics["network_hash"]
    assert network.provenance["metrics"]["macro_f1"] == metrics["macro_f1"]
    assert {"config", "seed", "data_checksums", "versions"} <= network.provenance.keys()
    trace = golden.run(network, network.encode(dataset.train_images))
    for label, reference in zip(network.references.labels, network.references.counts, strict=True):
        own = trace.output_counts[:, dataset.train_labels == label]
        assert np.array_equal(reference, emd.median_reference(own))
    # The threshold balances both errors on these images.
    same = dataset.train_labels[:, None] == network.references.labels
    distance = emd.distances(trace.output_counts, network.references.counts)
    accepted = distance <= network.verify_threshold
    assert accepted[same].mean() > 0.65 and accepted[~same].mean() < 0.35


def test_same_seed_same_bytes(trained, config, dataset, tmp_path):
    train(config, tmp_path, dataset=dataset, progress=False)
    assert (tmp_path / "network.safetensors").read_bytes() == (
        trained[0] / "network.safetensors"
    ).read_bytes()
    assert (tmp_path / "train.jsonl").read_bytes() == (trained[0] / "train.jsonl").read_bytes()
    other = dataclasses.replace(config, seed=4)
    train(other, tmp_path / "other", dataset=dataset, progress=False)
    assert (tmp_path / "other" / "network.safetensors").read_bytes() != (
        tmp_path / "network.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("where", [(0, 2), (1, 12), (2, 3)])
def test_ctrl_c_and_resume_end_in_the_same_bytes(where, trained, config, dataset, tmp_path):
    def interrupt(epoch, step):
        if (epoch, step) == where:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(
        TrainingInterrupted, match=rf"epoch {where[0] + 1} of 4, batch {where[1]} of 12; .*--resume"
    ):
        train(config, tmp_path, dataset=dataset, progress=False, on_step=interrupt)
    assert not (tmp_path / "network.safetensors").exists()
    train(config, tmp_path, dataset=dataset, progress=False, resume=True)
    for name in ("network.safetensors", "train.jsonl"):
        assert (tmp_path / name).read_bytes() == (trained[0] / name).read_bytes()


def test_resume_of_a_finished_training_only_exports(trained, config, dataset):
    out, _ = trained
    before = (out / "network.safetensors").read_bytes()
    batches = []
    train(config, out, dataset=dataset, progress=False, resume=True, on_step=lambda *at: batches.append(at))
    assert batches == []
    assert (out / "network.safetensors").read_bytes() == before


def test_corrupt_checkpoint_is_one_line(config, dataset, trained, tmp_path):
    sound = (trained[0] / "checkpoint.safetensors").read_bytes()
    for data in (b"", sound[:1000], b"\xff" * 5000, sound[:8] + b"x" + sound[9:]):
        (tmp_path / "checkpoint.safetensors").write_bytes(data)
        with pytest.raises(TwinspikeError, match=r"checkpoint\.safetensors: is no sound checkpoint"):
            train(config, tmp_path, dataset=dataset, progress=False, resume=True)


def test_checkpoint_of_another_configuration_is_named(config, dataset, trained, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes((trained[0] / "checkpoint.safetensors").read_bytes())
    with pytest.raises(TwinspikeError, match=r"another configuration: training.epochs was 4 and is now 5"):
        train(change(config, epochs=5), tmp_path, dataset=dataset, progress=False, resume=True)


def test_silent_network_is_named(config, dataset, tmp_path):
    with pytest.raises(
        TwinspikeError, match=r"layer 0 of tiny was silent in all of 12 batches of epoch 1 .* \(-1.0\)"
    ):
        train(change(config, initial_bias=-1.0), tmp_path, dataset=dataset, progress=False)
    assert not (tmp_path / "network.safetensors").exists()


def test_diverging_training_is_named(config, dataset, tmp_path, monkeypatch):
    sound = surrogate.embedding_loss
    monkeypatch.setattr(surrogate, "embedding_loss", lambda *args: sound(*args) * float("nan"))
    with pytest.raises(
        TwinspikeError, match=r"diverged in epoch 1, after batch 0: its loss is nan; lower .* \(0.02\)"
    ):
        train(config, tmp_path, dataset=dataset, progress=False)


def test_silence_is_noticed_before_a_long_epoch_ends(config, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SILENT_BATCHES", 5)
    batches = []
    with pytest.raises(TwinspikeError, match=r"layer 0 of tiny was silent in all of 5 batches of epoch 1"):
        train(
            change(config, initial_bias=-1.0),
            tmp_path,
            dataset=dataset,
            progress=False,
            on_step=lambda *at: batches.append(at),
        )
    assert len(batches) == 4


@pytest.mark.parametrize("interrupted", [False, True])
def test_weights_that_stop_being_finite_reach_no_file(interrupted, config, dataset, tmp_path, monkeypatch):
    """A threshold that is not finite gives no spikes, and so a finite loss: the weights themselves tell."""
    real = training.one_cycle
    monkeypatch.setattr(training, "one_cycle", lambda *args: real(*args) * float("inf"))

    def interrupt(epoch, step):
        if interrupted:
            raise KeyboardInterrupt

    with pytest.raises(TwinspikeError, match=r"tiny diverged in epoch 1, .*holds values that are not finite"):
        train(config, tmp_path, dataset=dataset, progress=False, on_step=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_spike_that_differs_is_located(config, dataset, trained, monkeypatch):
    """A golden model with one wrong threshold must be told from the torch network."""
    real = results.golden.run

    def wrong(network, spikes, **options):
        trace = real(network, spikes, **options)
        hidden = trace.spikes[0].copy()
        hidden[2, 7, 5] ^= True
        return dataclasses.replace(trace, spikes=(hidden, *trace.spikes[1:]))

    out, _ = trained
    network = SpikingNetwork(config, dataset.shape)
    path = out / "checkpoint.safetensors"
    load_checkpoint(
        path.read_bytes(),
        path,
        network,
        make_rule(network, Means(config.training, Ranks())),
        results.weights_table(config),
    )
    integer = load_network(out / "network.safetensors")
    assert results.spikes_compared(network, integer, dataset.test_images, False) == 90 * 5 * 32
    golden_spike = int(real(integer, integer.encode(dataset.test_images)).spikes[0][2, 7, 5])
    monkeypatch.setattr(results.golden, "run", wrong)
    expected = rf"frame 7, step 2, layer 0, neuron 5: golden {1 - golden_spike}, got {golden_spike} \(1 diff"
    with pytest.raises(TwinspikeError, match=expected):
        results.spikes_compared(network, integer, dataset.test_images, False)


def test_clocks_in_the_loss_are_spent_on_fewer_spikes(config, dataset, tmp_path):
    def spikes_of(name, **training):
        # One lane in the second layer: there each hidden spike costs 8 clocks.
        changed = config.changed(name, training=training, hardware={"lanes": [24, 1]})
        train(changed, tmp_path / name, dataset=dataset, progress=False)
        return json.loads((tmp_path / name / "metrics.json").read_text())["spikes_per_image"]

    free, priced = spikes_of("free"), spikes_of("priced", cycles_weight=20.0, cycles_target=172.0)
    assert priced["hidden"] < 0.7 * free["hidden"]
    with pytest.raises(TwinspikeError, match=r"cycles_target = 20 cannot be met"):
        spikes_of("impossible", cycles_weight=20.0, cycles_target=20.0)
