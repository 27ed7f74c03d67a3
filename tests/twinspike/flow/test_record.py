"""What `twinspike results` records of a build folder, and what it refuses to record."""

import dataclasses
import json

import pytest
from support.networks import random_network

from twinspike.config import load_config
from twinspike.documents.tables import Figures, accuracy, exactness, hardware, peers
from twinspike.flow import record
from twinspike.numerics.errors import TwinspikeError

SPREADS = {"latency": [300, 100, 200], "interval": [50, 70, 60]}


def spread(values):
    return {"min": min(values), "median": sorted(values)[1], "max": max(values), "values": values}


def run(name, target, **more):
    row = {"run": name, "target": target, "simulator": "verilator 5.48.0", "frames": 4, "stalls": False}
    row |= {"isolated": name == "alone", "spikes_compared": 1000, "results_compared": 4, "mismatches": 0}
    return row | {"faults": [], "first_mismatch": None} | more


@pytest.fixture
def build(tmp_path):
    """A whole build folder of a small network, and the network."""
    network = random_network(shape=(8, 8), widths=(12, 6), classes=10)
    made = {"config": load_config("digits").table(), "seed": 5, "data_checksums": {"digits": "c5"}}
    network = dataclasses.replace(network, provenance={**made, "versions": {"torch": "2.13.0"}})
    network.save(tmp_path / "network.safetensors")
    origin = {"network_hash": network.content_hash}
    metrics = {
        "accuracy": 0.97,
        "macro_f1": 0.9612,
        "macro_f1_knn": 0.95,
        "baseline_knn_macro_f1": 0.9849,
        "hidden_activity": 0.134,
        "spikes_per_image": {"input": 30.0, "hidden": 20.0, "output": 9.0},
        "synaptic_operations": 1234.0,
        "verification": {},
        "verification_reference": {},
        "train_seconds": 90.0,
        "train_cpu_seconds": 60.0,
        "epochs": 3,
        "test_images": 600,
        "torch_golden_compared": 5000,
        "torch_golden_mismatches": 0,
        "confusion": [[1]],
    }
    cycles = {kind: spread(values) for kind, values in SPREADS.items()}
    runs = [
        run("back_to_back", "generic", cycles=cycles, cycles_predicted_equal=True),
        run("alone", "generic", cycles={"latency": cycles["latency"]}, cycles_predicted_equal=True),
        run("stalled", "generic", stalls=True),
    ]
    synth = {key: 4 for key in record._FROM_SYNTH} | {
        "logic_cells": 2640,
        "fmax_mhz": [44.0, 40.0, 42.0],
        "fmax_min_mhz": 40.0,
        "fmax_median_mhz": 42.0,
        "fmax_max_mhz": 44.0,
        "seeds": [1, 2, 3],
        "tools": {"yosys": "0.70"},
        "provenance": origin,
        "device": "up5k",
        "yosys_seconds": 9.0,
        "nextpnr_seconds": [20.0, 21.0, 22.0],
    }
    files = {"metrics.json": metrics | origin, "sim.json": {"runs": runs} | origin}
    for name, content in (*files.items(), ("up5k/synth/synth.json", synth)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "train.jsonl").write_text("")
    return tmp_path, network


def written(build, tmp_path):
    path = record.write_record(build, load_config("digits"), tmp_path / "results")
    assert path == tmp_path / "results" / "digits.json"
    return json.loads(path.read_text())


def test_record_says_what_was_measured_and_what_with(build, tmp_path):
    folder, network = build
    found = written(folder, tmp_path)
    assert (found["macro_f1"], found["hidden_activity"], found["train_seconds"]) == (0.9612, 0.134, 90.0)
    assert found["network_hash"] == network.content_hash
    assert found["network"] == {"shape": [64, 12, 6], "timesteps": 5, "weight_bits": [4, 4], "references": 10}
    assert found["seed"] == 5 and found["data_checksums"] == {"digits": "c5"}
    assert found["configuration"]["hardware"]["lanes"] == [8, 4]
    assert {"torch", "amaranth", "cocotb"} <= set(found["versions"])


def test_long_lists_are_not_recorded(build, tmp_path):
    text = json.dumps(written(build[0], tmp_path))
    assert '"values"' not in text and '"confusion"' not in text


def test_time_an_image_is_the_median_at_the_slowest_seed(build, tmp_path):
    up5k = written(build[0], tmp_path)["synth"]["up5k"]
    assert up5k["latency_cycles"] == {"min": 100, "median": 200, "max": 300}
    assert up5k["latency_us"] == 5.0  # 200 clocks at 40 MHz
    assert up5k["interval_us"] == 1.5


def test_tables_show_the_record(build, tmp_path):
    figures = Figures(
        {"digits": {}, "mnist": written(build[0], tmp_path)},
        {
            "accelerators": [
                {
                    "design": "Slow",
                    "source": "https://x",
                    "year": 2020,
                    "device": "Z",
                    "accuracy": 0.98,
                    "latency_us": 149,
                    "logic": "",
                    "power": "",
                    "unlike": "all",
                },
                {
                    "design": "Fast",
                    "source": "https://y",
                    "year": 2021,
                    "device": "Z",
                    "accuracy": 0.95,
                    "latency_us": 0.3,
                    "logic": "",
                    "power": "1 W",
                    "unlike": "all",
                },
            ]
        },
    )
    del figures.records["digits"]
    assert (
        "| `mnist` | 64-12-6, T = 5 | 4 | 0.9612 | 0.9500 | 0.9849 | -0.0237 | 13.4% | 1.5 / 1.0 |"
        in accuracy(figures, "README.md")
    )
    assert "| golden model with RTL (generic, stalled) | 4 | 1,000 | 0 |  |" in exactness(
        figures, "README.md"
    )
    assert "| 40.0 / 42.0 / 44.0 MHz | 200 / 60 | 5.0 / 1.5 |" in hardware(figures, "README.md")
    rows = [line for line in peers(figures, "README.md").splitlines() if line.startswith("| ")][2:]
    assert [row.split()[1][:6] for row in rows] == ["[Fast]", "**twin", "[Slow]"]
    assert "| time, power is stated | all |" in rows[0] and "| accuracy | all |" in rows[2]


def test_unfinished_steps_are_left_out(build, tmp_path):
    folder, _ = build
    (folder / "sim.json").unlink()
    (folder / "up5k" / "synth" / "synth.json").unlink()
    found = written(folder, tmp_path)
    assert found["sim"] == [] and found["synth"] == {}


@pytest.mark.parametrize("name", ["metrics.json", "sim.json"])
def test_figures_of_another_network_are_refused(build, tmp_path, name):
    folder, _ = build
    content = json.loads((folder / name).read_text()) | {"network_hash": "0" * 64}
    (folder / name).write_text(json.dumps(content))
    with pytest.raises(TwinspikeError, match=f"{name} is of another network"):
        written(folder, tmp_path)
    assert not (tmp_path / "results").exists()


def test_a_network_without_figures_is_refused(build, tmp_path):
    folder, _ = build
    (folder / "metrics.json").unlink()
    with pytest.raises(
        TwinspikeError, match=r"no figures of network tiny to record: metrics\.json is missing"
    ):
        written(folder, tmp_path)
