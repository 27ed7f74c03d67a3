"""Rows of the hardware table, with the tools' part replaced; and the table that is committed."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.networks import random_network

from twinspike.bench import builds as hwbench
from twinspike.bench.builds import BUILDS, Build, chosen, measure
from twinspike.executor import Store, in_this_process
from twinspike.flow.folders import folders
from twinspike.hw.plan import make_plan
from twinspike.hw.predict.cycles import frame_times
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim import golden

TABLE = Path(__file__).parents[3] / "results" / hwbench.RESULT
SYNTH = {
    "fmax_mhz": [50.0, 40.0, 44.0],
    "fmax_min_mhz": 40.0,
    "logic_cells": 1000,
    "flipflops": 500,
    "ram_blocks": 9,
    "spram": 0,
    "logic_cells_available": 5280,
    "ram_blocks_available": 30,
    "spram_available": 4,
    "seeds": [1, 2, 3],
    "tools": {},
}


def written(plan, folder):
    """A design that says no more than its lanes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "harness.il").write_text(str([layer.lanes for layer in plan.layers]))


def measured(builds, folder):
    store = Store.at(folder / "kept")
    return measure(builds, str(folder), folder, executor=in_this_process(), store=store)


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """`measure` on a small network: real cycles, no simulator, no placement."""
    network = random_network(3, timesteps=4, shape=(5, 4), widths=(12, 4), state_bits=8)
    images = np.random.default_rng(0).integers(0, 256, (40, 5, 4)).astype(np.uint8)

    def plan_of(build, out):
        if build.config == "absent":
            raise TwinspikeError("no trained network of absent")
        return make_plan(network, build.lanes, build.device), folders(out, build.config)

    def simulated(plan, folder, store, spikes):
        trains = golden.run(plan.network, spikes).spikes
        started, finished = frame_times(plan, spikes, trains, isolate=True)
        interval = np.diff(frame_times(plan, spikes, trains, isolate=False)[1])
        return {
            "latency": (finished - started).tolist(),
            "interval": interval.tolist(),
            "spikes_compared": 1,
            "simulator": "none",
        }

    monkeypatch.setattr(hwbench, "plan_of", plan_of)
    monkeypatch.setattr(hwbench, "load_config", lambda name: SimpleNamespace(dataset=name))
    monkeypatch.setattr(hwbench, "load_dataset", lambda name: SimpleNamespace(test_images=images))
    monkeypatch.setattr(hwbench, "emit", written)
    monkeypatch.setattr(hwbench, "_simulated", simulated)
    monkeypatch.setattr(hwbench, "synthesise", lambda *arguments, **named: SYNTH)
    return network, network.encode(images), tmp_path


def test_a_row_is_the_median_at_the_slowest_clock_and_replaces_its_older_self(bench):
    network, spikes, folder = bench
    builds = [Build("small", "up5k", lanes=(2, 2)), Build("absent", "up5k")]
    measured(builds, folder)
    found = measured(builds, folder)
    assert found == json.loads((folder / hwbench.RESULT).read_text())
    (row,) = found["rows"]
    assert [(each["build"], each["reason"]) for each in found["left_out"]] == [
        ("absent-up5k", "no trained network of absent")
    ]
    plan = make_plan(network, (2, 2), "up5k")
    trains = golden.run(network, spikes).spikes
    started, finished = frame_times(plan, spikes, trains, isolate=True)
    median = float(np.median(finished - started))
    assert row["cycles_median"] == row["predicted"]["cycles_median"] == median
    assert (row["cycles_min"], row["cycles_max"]) == ((finished - started).min(), (finished - started).max())
    assert row["latency_us"] == pytest.approx(median / 40, abs=1e-3)
    assert row["lanes"] == [2, 2] and row["fmax_mhz"] == [50.0, 40.0, 44.0] and row["images"] == 40
    # An image's operations: spikes into each layer times its neurons.
    operations = spikes.sum() * 12 + trains[0].sum() * 4
    assert row["synaptic_operations"] == pytest.approx(operations / 40)
    assert row["synaptic_operations_per_second"] == pytest.approx(
        operations / 40 / row["interval_cycles"] * 40e6, rel=1e-6
    )
    running = frame_times(plan, spikes, trains, isolate=False)[1]
    busy = [spikes[:, 1:].sum() * 12, trains[0][:, 1:].sum() * 4]
    assert row["lane_utilisation"] == pytest.approx(max(busy) / 2 / (running[-1] - running[0]))


def test_a_design_that_a_changed_generator_leaves_as_it_is_is_not_placed_again(bench, monkeypatch):
    _, _, folder = bench
    placed = []
    monkeypatch.setattr(hwbench, "synthesise", lambda design, *rest, **named: placed.append(design) or SYNTH)
    for generator, lanes in (("one", 2), ("two", 2), ("two", 4)):
        monkeypatch.setattr(hwbench, "generator_hash", lambda said=generator: said)
        measured([Build("small", "up5k", lanes=(lanes, 2))], folder)
    assert len(placed) == 2


def test_a_row_follows_the_lanes_of_its_configuration(bench, monkeypatch):
    network, _, folder = bench
    for lanes in ((2, 2), (4, 2)):
        plan = make_plan(network, lanes, "up5k")
        monkeypatch.setattr(
            hwbench, "plan_of", lambda build, out, plan=plan: (plan, folders(out, build.config))
        )
        (row,) = measured([Build("small", "up5k")], folder)["rows"]
        assert row["lanes"] == list(lanes)


def test_missing_data_is_told_and_measured_once_it_is_there(bench, monkeypatch):
    _, _, folder = bench
    there = hwbench.load_dataset

    def missing(name):
        raise TwinspikeError("no such data")

    monkeypatch.setattr(hwbench, "load_dataset", missing)
    found = measured([Build("small", "up5k", lanes=(2, 2))], folder)
    assert [each["reason"] for each in found["left_out"]] == ["no such data"]
    monkeypatch.setattr(hwbench, "load_dataset", there)
    found = measured([Build("small", "up5k", lanes=(2, 2))], folder)
    assert len(found["rows"]) == 1 and not found["left_out"]


def test_builds_are_chosen_by_name():
    assert [b.name for b in chosen(["digits-up5k"])] == ["digits-up5k"]
    assert chosen([]) == list(BUILDS)
    assert len({b.name for b in BUILDS}) == len(BUILDS)
    with pytest.raises(TwinspikeError, match="--only = 'nothing' is not allowed"):
        chosen(["nothing"])


def test_memories_far_beyond_a_device_are_refused_before_synthesis(bench, monkeypatch):
    _, _, folder = bench
    large = random_network(1, timesteps=2, shape=(600,), widths=(256,), state_bits=8)
    monkeypatch.setattr(
        hwbench, "plan_of", lambda b, out: (make_plan(large, (16,), "hx8k"), folders(out, b.config))
    )
    monkeypatch.setattr(
        hwbench, "load_dataset", lambda name: SimpleNamespace(test_images=np.zeros((2, 600), np.uint8))
    )
    found = measured([Build("large", "hx8k")], folder)
    assert not found["rows"]
    assert "EBR blocks, hx8k has 32" in found["left_out"][0]["reason"]


def test_the_committed_table_is_consistent():
    for row in json.loads(TABLE.read_text())["rows"]:
        slowest = min(row["fmax_mhz"])
        assert len(row["fmax_mhz"]) == 3 and row["images"] >= 300
        assert row["latency_us"] == pytest.approx(row["cycles_median"] / slowest, abs=1e-3)
        assert row["interval_us"] == pytest.approx(row["interval_cycles"] / slowest, abs=1e-3)
        assert row["predicted"]["cycles_median"] == row["cycles_median"]
        assert row["predicted"]["interval_cycles"] == row["interval_cycles"]
        assert abs(row["predicted"]["logic_cells"] / row["logic_cells"] - 1) <= 0.15, row["build"]
        assert row["predicted"]["ram_blocks"] == row["ram_blocks"], row["build"]
