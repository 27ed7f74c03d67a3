"""Steps that decide something by themselves: what to emit again, what counts as a good simulation."""

import json

import numpy as np
import pytest
from support.networks import random_network

from twinspike.api.loading import configured
from twinspike.api.networks import Net
from twinspike.cli.commands.sim import print_runs
from twinspike.cli.main import main
from twinspike.config import load_config
from twinspike.flow.folders import GENERIC, folders
from twinspike.numerics.encodings import Latency
from twinspike.sim.bench import runner

ROW = {
    "target": "generic",
    "run": "all",
    "frames": 2,
    "isolated": False,
    "stalls": False,
    "spikes_compared": 1234,
    "mismatches": 0,
    "first_mismatch": None,
    "faults": [],
    "cycles_predicted_equal": True,
    "cycles": {"interval": {"median": 61.0, "values": [61]}},
}


@pytest.fixture
def ready(tmp_path):
    (tmp_path / "tiny.toml").write_text(
        'dataset = "digits"\ntimesteps = 3\n[[layers]]\nneurons = 6\n[[layers]]\nneurons = 3\n'
    )
    place = folders(str(tmp_path / "build"), "tiny")
    save(place, 1)
    return load_config(str(tmp_path / "tiny.toml")), place


def save(place, seed):
    network = random_network(seed, timesteps=3, shape=(8, 8), widths=(6, 3), encoder=Latency(threshold=32))
    network.save(place.network)
    return network


def simulated(ready, monkeypatch, **changes):
    """Run the step with the simulator's answer replaced; returns (good, RTL summary it was given)."""
    config, place = ready
    given = []

    def simulate(plan, rtl, spikes, out, **_):
        given.append(json.loads((rtl / "rtl.json").read_text()))
        assert spikes.shape == (3, 2, 64)
        return {"runs": [ROW | changes]}

    monkeypatch.setattr(runner, "simulate", simulate)
    found = configured(config, place).core().simulate(2)
    print_runs(found.runs, found.path)
    assert json.loads(place.sim_report(GENERIC).read_text())["runs"] == [ROW | changes]
    return found.exact, given[0]


def test_a_network_trained_anew_gets_new_rtl_before_it_is_simulated(ready, monkeypatch):
    _, place = ready
    first = save(place, 1)
    assert simulated(ready, monkeypatch)[1]["network_hash"] == first.content_hash
    before = (place.rtl(GENERIC) / "twinspike_core.v").stat().st_mtime_ns
    simulated(ready, monkeypatch)
    assert (place.rtl(GENERIC) / "twinspike_core.v").stat().st_mtime_ns == before
    second = save(place, 2)
    assert simulated(ready, monkeypatch)[1]["network_hash"] == second.content_hash


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mismatches": 3, "first_mismatch": "first mismatch (0, 1, 0, 2, 1, 0)"}, "(0, 1, 0, 2, 1, 0)"),
        ({"cycles_predicted_equal": False, "first_cycle_difference": "frame 0: start 1"}, "DIFFERS"),
        ({"faults": ["cycle 7: code a1"]}, "broken rule at cycle 7: code a1"),
    ],
)
def test_any_difference_makes_the_step_fail_and_is_shown(ready, monkeypatch, capsys, changes, said):
    assert simulated(ready, monkeypatch, **changes)[0] is False
    assert said in capsys.readouterr().out


def test_no_difference_makes_it_succeed(ready, monkeypatch, capsys):
    assert simulated(ready, monkeypatch)[0] is True
    assert "1,234" in capsys.readouterr().out


def test_only_cores_that_differ_in_kind_are_simulated_by_default(ready, tmp_path, monkeypatch):
    config, place = ready
    monkeypatch.setattr(runner, "simulate", lambda *_, **__: {"runs": [ROW]})
    monkeypatch.setattr(Net, "test_images", lambda net, n: (np.zeros((n, *net.shape), np.uint8), np.zeros(n)))

    def simulated_targets(name, out):
        assert main(["sim", "--config", name, "--frames", "2", "--out", str(out)]) == 0
        return sorted(path.parent.name for path in out.glob("*/*/rtl"))

    assert simulated_targets(config.given, place.build.parent) == []
    assert simulated_targets("mnist", tmp_path / "other") == ["up5k"]
