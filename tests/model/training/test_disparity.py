import numpy as np
import pytest
import torch

from twinspike.config import config_from_table
from twinspike.model.inputs.inputs import input_spikes
from twinspike.model.network.network import SpikingNetwork
from twinspike.model.rules.base import Batch, Means
from twinspike.model.rules.ranks import Ranks
from twinspike.model.training.checkpoint import load_checkpoint, read_checkpoint
from twinspike.model.training.disparity import CHECKPOINT_FILE, ByDisparity, Scale, Views, train_disparities
from twinspike.sim import golden

SCALE = Scale(2.0, 4.0)


def config(epochs=6):
    last = {"weight_bits": 8, "forget": True, "leak_shift": 0, "state_bits": 24, "norm": "none"}
    conv = {"kind": "conv", "kernel": [3, 3], "padding": [1, 1]}
    layers = [
        {**conv, "channels": 8, "stride": [2, 2]},
        {"kind": "upsample"},
        {**conv, "channels": 1, **last},
    ]
    training = {"epochs": epochs, "batch_size": 8, "learning_rate": 2e-2, "activity_price": "squares"}
    table = {"dataset": "./made", "timesteps": 3, "readout": "membrane", "encoder": {"kind": "spikes"}}
    return config_from_table(
        "made", table | {"layers": layers, "training": training, "data": {"size": [4, 6]}}
    )


def views():
    """Scenes whose disparity is 3 where something moves, 1 elsewhere; one column is not known."""
    rng = np.random.default_rng(0)
    busy = np.repeat(np.repeat(rng.random((6, 4, 5)) < 0.5, 2, axis=1), 2, axis=2)
    spikes = (rng.random((6, 3, 8, 10, 2)) < 0.8) & busy[:, None, ..., None]
    disparity = np.where(busy, 3.0, 1.0).astype(np.float32)
    disparity[:, :, 7] = np.nan
    return Views(spikes.astype(np.uint8), disparity)


def test_windows_are_cut_where_they_are_asked_for():
    made = views()
    spikes, known = made.windows(np.array([[2, 1, 3], [0, 0, 4]]), (4, 6))
    assert np.array_equal(spikes[0], made.spikes[2, :, 1:5, 3:9])
    assert np.array_equal(known[1], made.disparity[0, 0:4, 4:10], equal_nan=True)
    places = made.drawn(500, (4, 6), np.random.default_rng(0))
    assert [len(np.unique(column)) for column in places.T] == [6, 5, 5]


def test_training_finds_disparities_and_the_golden_model_has_them(tmp_path):
    made = views()
    network, progress = train_disparities(config(), made, SCALE, tmp_path, 20)
    errors = [row["error"] for row in progress.history]
    assert errors[-1] < 0.5 < 0.7 < errors[0] and progress.cpu_seconds > 0
    spikes, known = made.windows(made.drawn(20, (4, 6), np.random.default_rng(1)), (4, 6))
    found = SCALE.of_sums(network, spikes)
    assert found.shape == (20, 4, 6) and np.nanmean(np.abs(found - known)) < 0.55


def test_disparities_in_training_are_those_of_the_golden_model(tmp_path):
    made, seen = views(), []

    class Spy(ByDisparity):
        def step(self, network, batch):
            network.eval()
            seen.append(network(batch.spikes)[-1].sum(0).detach().numpy())
            network.train()
            return super().step(network, batch)

    settings = config(1)
    network, _ = train_disparities(settings, made, SCALE, tmp_path, 1)
    twin = SpikingNetwork(settings, (3, 4, 6, 2))
    rule = Spy(twin, Means(settings.training, Ranks()), SCALE)
    path = tmp_path / CHECKPOINT_FILE
    load_checkpoint(read_checkpoint(path), path, twin, rule, settings.training_table())
    spikes, known = made.windows(made.drawn(4, (4, 6), np.random.default_rng(1)), (4, 6))
    inputs = input_spikes(settings.encoder, torch.from_numpy(spikes), 3)
    rule.step(twin, Batch(inputs, torch.from_numpy(known.reshape(4, -1)), 0.0))
    sums = golden.run(network, network.encode(spikes)).sums
    assert np.array_equal(seen[0], sums) and sums.any()


def test_a_training_that_was_stopped_ends_in_the_same_network(tmp_path):
    made = views()

    def stop(epoch, step):
        if (epoch, step) == (2, 5):
            raise KeyboardInterrupt

    whole, _ = train_disparities(config(4), made, SCALE, tmp_path / "a", 10)
    with pytest.raises(KeyboardInterrupt):
        train_disparities(config(4), made, SCALE, tmp_path / "b", 10, stop)
    resumed, progress = train_disparities(config(4), made, SCALE, tmp_path / "b", 10)
    assert resumed.content_hash == whole.content_hash and len(progress.history) == 4
