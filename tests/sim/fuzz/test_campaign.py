"""The campaign: what it draws, how it counts, goes on, shrinks a failure and replays it."""

import collections
import json

import pytest
from hypothesis import HealthCheck, given, settings

from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.fuzz import batch, campaign
from twinspike.sim.fuzz.campaign import Campaign, replay
from twinspike.sim.fuzz.dense_cases import dense_cases
from twinspike.sim.fuzz.trial import Differs


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(dense_cases())
def test_every_case_is_legal(case):
    plan = case.plan(case.network(0))
    assert len(plan.layers) == len(case.layers)
    assert case.spikes(0).shape == (case.timesteps, case.frames, case.inputs)


@pytest.fixture
def tried(monkeypatch):
    """Cases that were tried; `attempt` itself is replaced."""
    seen = []

    def attempt(case, workshop):
        seen.append(case)
        return collections.Counter(networks=case.networks, frames=case.frames)

    for module in (batch, campaign):
        monkeypatch.setattr(module, "attempt", attempt)
        monkeypatch.setattr(module, "Workshop", lambda *_: type("Shop", (), {"built": 0}))
    return seen


def test_counts_are_kept_and_a_campaign_goes_on_where_it_ended(tried, tmp_path):
    results = tmp_path / "fuzz.json"
    assert Campaign(tmp_path, results).run(30, None) is None
    first = json.loads(results.read_text())
    assert first["networks"] == sum(case.networks for case in tried) >= 30
    assert first["cases"] == len(tried)
    assert sum(first["coverage"]["layers"].values()) == first["networks"]
    assert sum(first["generators"].values()) == first["networks"]
    Campaign(tmp_path, results).run(first["networks"] + 500, None)
    second = json.loads(results.read_text())
    assert second["networks"] >= first["networks"] + 500 and second["next_seed"] > first["next_seed"]


def test_a_seed_gives_the_same_cases_again(tried, tmp_path):
    Campaign(tmp_path, tmp_path / "a.json", 7).run(200, None)
    before = list(tried)
    tried.clear()
    Campaign(tmp_path, tmp_path / "b.json", 7).run(200, None)
    assert tried == before


def test_a_failure_is_shrunk_and_its_file_replays_it(tried, tmp_path, monkeypatch):
    def fails(case, workshop):
        if case.timesteps >= 5 and any(layer.reset == "zero" for layer in case.layers):
            raise Differs(f"T = {case.timesteps}")
        return collections.Counter(networks=case.networks)

    for module in (batch, campaign):
        monkeypatch.setattr(module, "attempt", fails)
    finding = Campaign(tmp_path, tmp_path / "fuzz.json").run(None, 1)
    assert finding.message == "T = 5"
    assert (finding.case.timesteps, len(finding.case.layers)) == (5, 1)
    assert replay(finding.path, tmp_path) == "T = 5"
    monkeypatch.setattr(campaign, "attempt", lambda *_: collections.Counter())
    assert replay(finding.path, tmp_path) is None


def test_without_icarus_its_batches_are_left_out_and_the_others_are_the_same(tried, tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "find_icarus", lambda: None)
    Campaign(tmp_path, tmp_path / "with.json").run(2500, None)
    everywhere = [case for case in tried if case.simulator == "verilator"]
    assert len(everywhere) < len(tried)
    tried.clear()

    def missing():
        raise TwinspikeError("iverilog was not found")

    monkeypatch.delenv("IVERILOG", raising=False)
    monkeypatch.setattr(batch, "find_icarus", missing)
    without = Campaign(tmp_path, tmp_path / "without.json")
    assert without.leaves_out_icarus
    without.run(2500, None)
    assert {case.simulator for case in tried} == {"verilator"}
    shared = min(len(tried), len(everywhere))
    assert shared > 20 and tried[:shared] == everywhere[:shared]
    # One that is named is wanted.
    monkeypatch.setenv("IVERILOG", "/nowhere/iverilog")
    with pytest.raises(TwinspikeError, match="iverilog was not found"):
        Campaign(tmp_path, tmp_path / "named.json")


def test_bad_files_are_refused(tmp_path):
    with pytest.raises(TwinspikeError, match="cannot read the case"):
        replay(tmp_path / "none.json", tmp_path)
    (tmp_path / "fuzz.json").write_text("{")
    with pytest.raises(TwinspikeError, match="delete it to count anew"):
        Campaign(tmp_path, tmp_path / "fuzz.json")
