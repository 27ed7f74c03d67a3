"""Networks for recordings and plain classifiers, on recordings that are made here."""

import json

import numpy as np
import pytest

from twinspike.config import config_from_table
from twinspike.documents import recorded as tables
from twinspike.documents.tables import NOT_YET, Figures
from twinspike.model.data import load
from twinspike.model.data import recorded as sources
from twinspike.model.training import training
from twinspike.numerics.recordings import EventRecording, Flow, Sound
from twinspike.quant.network_file import load_network
from twinspike.study import plain, recorded

CLASSES, EACH = 3, 12


@pytest.fixture(autouse=True)
def own_data(monkeypatch, tmp_path):
    """A file for each dataset, and nothing kept from test to test."""
    load._kept.cache_clear()
    plain._loudness.cache_clear()
    monkeypatch.setenv("TWINSPIKE_DATA", str(tmp_path))
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "file").write_text("made")
    monkeypatch.setattr(sources, "cache_folder", lambda: tmp_path)
    yield
    load._kept.cache_clear()


def made(monkeypatch, name, reads, make, folds=1):
    """Let the dataset of that name have EACH recordings a class, half of them to train."""
    rng = np.random.default_rng(1)

    def entries(paths, fold):
        for i in range(CLASSES * EACH):
            recording = make(rng, i % CLASSES)
            part = "test" if i // CLASSES % 2 == fold else "train"
            yield sources.Entry(part, str(i % CLASSES), lambda found=recording: found)

    monkeypatch.setitem(sources.RECORDED, name, sources.Source(reads, "made", ("file",), entries, folds))


def events(rng, label):
    """A bar in a place of its own that sends 60 events in 4 ms."""
    t = np.sort(rng.integers(0, 4000, 60))
    x, y = rng.integers(0, 8, 60), rng.integers(0, 2, 60) + 3 * label
    return EventRecording(t, x.astype(np.int32), y.astype(np.int32), rng.random(60) < 0.5, 8, 8)


def configuration(name, encoder, **table):
    layers = [{"neurons": 12}, {"neurons": 6}]
    return config_from_table(
        name, {"dataset": name, "timesteps": 4, "encoder": encoder, "layers": layers, **table}
    )


EVENTS = {"kind": "events", "step": 1000, "height": 8, "width": 8}


def test_events_are_told_apart_by_the_places_they_come_from(monkeypatch):
    made(monkeypatch, "nmnist", "events", events)
    (found,) = plain.plain_scores(configuration("nmnist", EVENTS))
    assert found["accuracy"] == found["macro_f1"] == 1 and "event counts" in found["what"]


def test_packets_by_their_sizes_whatever_the_time(monkeypatch):
    def flow(rng, label):
        size = np.where(rng.random(40) < 0.8, 100 + 400 * label, 1400)
        return Flow(np.sort(rng.integers(0, 10**9, 40)), size * np.where(rng.random(40) < 0.5, 1, -1))

    made(monkeypatch, "traffic-sites", "packets", flow)
    found = plain.plain_scores(configuration("traffic-sites", {"kind": "packets"}))
    assert len(found) == 3 and all(one["accuracy"] == 1 for one in found)

    def pauses(rng, label):  # a histogram of sizes does not see them
        return Flow(np.arange(40) * (label + 1) * 1000, rng.integers(40, 1500, 40))

    made(monkeypatch, "traffic-sites", "packets", pauses)
    assert all(
        one["accuracy"] < 0.8
        for one in plain.plain_scores(configuration("traffic-sites", {"kind": "packets"}))
    )


def test_sounds_by_their_bands(monkeypatch):
    def tone(rng, label):
        time = np.arange(2000) / 8000
        return Sound(np.sin(2 * np.pi * (400 + 800 * label) * time) + rng.normal(0, 0.1, 2000), 8000)

    made(monkeypatch, "keywords", "sound", tone)
    found = plain.plain_scores(configuration("keywords", {"kind": "mel", "step": 50_000, "bands": 8}))
    assert [one["accuracy"] for one in found] == [1, 1, 1]
    assert "logistic regression" in found[0]["what"] and "perceptron" in found[1]["what"]
    assert "support vectors" in found[2]["what"]


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """A small configuration whose trained network ships."""
    made(monkeypatch, "nmnist", "events", events)
    config = configuration(
        "nmnist", EVENTS, training={"epochs": 4, "batch_size": 9, "learning_rate": 0.02, "initial_gain": 3}
    )
    training.train(config, tmp_path / "shipped", progress=False)
    monkeypatch.setattr(recorded, "load_config", lambda name: config)
    monkeypatch.setattr(recorded, "pretrained", lambda asked: tmp_path / "shipped")
    return config


def test_seeds_and_variants_are_measured_and_kept(shipped, monkeypatch, tmp_path):
    results = tmp_path / "own_data.json"
    hash = load_network(tmp_path / "shipped" / "network.safetensors").content_hash
    run = {"run": "alone", "frames": 7, "spikes_compared": 77, "mismatches": 0}
    told = {"network_hash": hash, "runs": [{**run, "cycles_predicted_equal": True, "faults": []}]}
    (tmp_path / "nmnist").mkdir()
    (tmp_path / "nmnist" / "sim.json").write_text(json.dumps(told))
    assert recorded.simulated(tmp_path / "nmnist", "another") == []
    recorded.recorded(["nmnist"], tmp_path / "recordings", results, seeds=(1, 2), say=lambda line: None)
    (row,) = json.loads(results.read_text())["networks"]
    assert [(run["seed"], run["shipped"]) for run in row["runs"]] == [(1, True), (2, False)]
    metrics = json.loads((tmp_path / "shipped" / "metrics.json").read_text())
    assert row["runs"][0]["macro_f1"] == metrics["macro_f1"] and row["shape"] == [128, 12, 6]
    assert [one["what"] for one in row["variants"]] == list(recorded.VARIANTS)
    delayed = json.loads((tmp_path / "recordings" / "nmnist-delays-1-0" / "metrics.json").read_text())[
        "config"
    ]["layers"]
    assert [layer.get("kind", "dense") for layer in delayed] == ["dense", "delay", "dense"]
    assert all(one["latency"] > 0 and one["logic_cells"] > 0 for one in (row["core"], *row["variants"]))

    def no_training(*arguments, **options):
        raise AssertionError("trained again")

    monkeypatch.setattr(training, "train", no_training)
    recorded.recorded(["nmnist"], tmp_path / "recordings", results, seeds=(2,), say=lambda line: None)
    assert json.loads(results.read_text())["networks"] == [row]
    with pytest.raises(AssertionError, match="trained again"):
        recorded.recorded(["nmnist"], tmp_path / "recordings", results, seeds=(3,), say=lambda line: None)

    assert row["placed"] is None
    synth = tmp_path / "nmnist" / row["core"]["target"] / "synth" / "synth.json"
    synth.parent.mkdir(parents=True)
    fmax = dict.fromkeys(("fmax_min_mhz", "fmax_median_mhz", "fmax_max_mhz"), 100.0)
    used = {name: 5 for part in ("logic_cells", "ram_blocks") for name in (part, f"{part}_available")}
    used |= {"flipflops": 5, "flipflops_available": 5, "spram": 0, "spram_available": 0, "dsp": 0}
    made_by = {"yosys_seconds": 1, "nextpnr_seconds": [1], "tools": {}, "provenance": {"network_hash": hash}}
    synth.write_text(
        json.dumps({"device": "x", "seeds": [1], "fmax_mhz": [100.0], **fmax, **used, **made_by})
    )
    (tmp_path / "nmnist" / "network.safetensors").write_bytes(
        (tmp_path / "shipped" / "network.safetensors").read_bytes()
    )
    cycles = {
        kind: {"min": 1, "median": 250, "max": 999, "values": [250]} for kind in ("latency", "interval")
    }
    told["runs"] = [{**told["runs"][0], "run": name, "cycles": cycles} for name in ("alone", "back_to_back")]
    (tmp_path / "nmnist" / "sim.json").write_text(json.dumps(told))
    recorded.recorded(["nmnist"], tmp_path / "recordings", results, seeds=(2,), say=lambda line: None)
    (row,) = json.loads(results.read_text())["networks"]
    assert row["placed"]["latency_us"] == 2.5 and row["placed"]["logic_cells"] == 5
    synth.write_text(synth.read_text().replace(hash, "0" * 64))
    assert recorded.placed(tmp_path / "nmnist", {"target": row["core"]["target"], "hash": hash}) is None

    figures = Figures({}, {}, {"own_data": json.loads(results.read_text())})
    assert "| 5 of 5 | 5 of 5 | 100.0 | 2.5 | 2.5 |" in tables.recordings_placed(figures, "x")
    text = tables.recordings(figures, "x")
    mean = sum(run["macro_f1"] for run in row["runs"]) / 2
    assert f"{mean:.4f}" in text and "2 seeds" in text and "128-12-6, T = 4" in text
    assert tables.recorded_variants(figures, "x").count("`nmnist`") == 1 + len(recorded.VARIANTS)
    assert "| `nmnist` | alone | 7 | 77 | 0 | every recording |" in tables.recordings_exact(figures, "x")
    assert tables.plain_classifiers(figures, "x").count("`nmnist`") == 1


def test_runs_of_other_settings_are_left_aside(shipped, tmp_path):
    build, other = tmp_path / "recordings", shipped.changed("nmnist", training={"epochs": 1})
    folder = build / "nmnist-run-1-0"
    recorded.trained(shipped, build, "run")
    kept = (folder / "metrics.json").read_bytes()
    recorded.trained(other, build, "run")  # trained to the end
    assert json.loads((folder / "metrics.json").read_text())["epochs"] == 1
    (folder / "metrics.json").unlink()
    recorded.trained(shipped, build, "run")  # only begun
    assert json.loads((folder / "metrics.json").read_text())["epochs"] == 4
    assert (build / "nmnist-run-1-0-before-1" / "metrics.json").read_bytes() == kept
    aside = [path.name for path in build.iterdir() if path != folder]
    assert sorted(aside) == ["nmnist-run-1-0-before-1", "nmnist-run-1-0-before-2"]
    (folder / "metrics.json").unlink()
    recorded.trained(shipped, build, "run")  # its own checkpoint is gone on from
    assert len(list(build.iterdir())) == 3


def test_tables_say_what_is_not_measured():
    empty = Figures({}, {}, {})
    for fill in tables.FILLS:
        assert NOT_YET in fill(empty, "x")
