"""Cases of networks on feature maps: all kinds are drawn, and what no core takes is counted, not skipped."""

import collections
import dataclasses
import types

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from support.cases import CASE, LAYER

from twinspike.hw.emit.emit import write_verilog
from twinspike.hw.plan import make_plan
from twinspike.numerics.errors import TwinspikeError
from twinspike.sim.bench.direct import Workshop, shared_sources
from twinspike.sim.fuzz import batch, trial
from twinspike.sim.fuzz import campaign as campaigns
from twinspike.sim.fuzz.campaign import Campaign
from twinspike.sim.fuzz.case import Case
from twinspike.sim.fuzz.map_cases import map_cases, map_coverage
from twinspike.sim.fuzz.trial import Differs, attempt
from twinspike.sim.fuzz.variants import tables

GEOMETRY = {"kernel": [2, 3], "stride": [3, 1], "padding": [2, 1], "dilation": [1, 2], "groups": 1}
CONV = dataclasses.replace(LAYER, neurons=3, lanes=2, kind="conv", keys=GEOMETRY)
MAPS = dataclasses.replace(
    CASE, inputs=24, shape=(4, 6, 1), layers=(CONV, dataclasses.replace(LAYER, lanes=7)), networks=1, frames=3
)


def drawn(count, number=1):
    found = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @given(map_cases())
    def draw(case):
        found.append(case)

    draw()
    return found


def test_geometries_kinds_and_links_are_all_drawn_and_every_network_is_legal():
    seen = collections.Counter()
    for case in drawn(700):
        assert Case.from_json(case.to_json(), "x") == case
        assert case.network(0).inputs == case.spikes(0).shape[2] == case.inputs
        seen.update(map_coverage(case))
        for layer in case.layers:
            seen.update([("bits", layer.weight_bits), ("depthwise", layer.keys.get("groups", 1) > 1)])
    wanted = [("kind", kind) for kind in ("conv", "pool", "taps", "dense", "delay")]
    wanted += [("combine", how) for how in ("add", "and", "iand")]
    wanted += [("stride", "more than the kernel"), ("padding", "no less than the kernel"), ("rows", "1")]
    wanted += [("hold", "yes"), ("weights_of", "yes"), ("pool", "or"), ("pool", "sum"), ("forget", "yes")]
    wanted += [("graded", str(bits)) for bits in range(5)]
    wanted += [("bits", bits) for bits in range(1, 9)] + [("depthwise", True), ("dilation", "3")]
    assert [pair for pair in wanted if not seen[pair]] == []


def test_a_network_on_maps_is_compared_in_simulation(tmp_path):
    counts = attempt(MAPS, Workshop(tmp_path))
    assert counts["networks"] == 1 and counts["frames_on_time"] == counts["scalar_frames"] == 3
    assert counts["damaged_frames"] and "refused" not in counts


# A convolution of one weight a channel that leaves the map as it is.
SAME = {"kernel": [1, 1], "stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1}
POOL = dataclasses.replace(LAYER, neurons=3, kind="pool", keys={"window": [1, 2], "mode": "sum"})
HELD = dataclasses.replace(CONV, keys={**GEOMETRY, "hold": True}, forget=True, leak_shift=0)
GRADED = dataclasses.replace(MAPS, seed=2, layers=(HELD, POOL, MAPS.layers[-1]), graded=3, mishaps=9)


def test_multiplicities_pools_and_forgetful_neurons_are_compared_under_hostile_streams(tmp_path, monkeypatch):
    workshop = Workshop(tmp_path)
    counts = attempt(dataclasses.replace(GRADED, networks=3), workshop)
    assert counts["networks"] == 3 and workshop.built == 1 and counts["frames_on_time"] == 9
    assert counts["mishap_stray_value"] and counts["values"] > counts["mishap_stray_value"]
    # The values count: without them the stream means something else.
    ours = trial.sanitise
    monkeypatch.setattr(trial, "sanitise", lambda words, t, n, values, most: ours(words, t, n))
    with pytest.raises(Differs, match="network 0, hostile"):
        attempt(GRADED, workshop)


def test_a_stray_value_changes_what_follows_it():
    words, done = GRADED.hostile_words(0)
    assert done["stray_value"]
    meant, _ = trial.sanitise(words, GRADED.timesteps, GRADED.inputs, values=True)
    assert meant.max() > 7 and (meant[1:] > 1).any()  # more than 3 bits, and behind the first step
    held, _ = trial.sanitise(words, GRADED.timesteps, GRADED.inputs, values=True, most=7)
    assert held.max() == 7


@pytest.mark.parametrize(
    ("layers", "options"),
    [
        ((dataclasses.replace(CONV, lanes=1), MAPS.layers[-1]), {}),
        ((CONV, POOL, dataclasses.replace(CONV, lanes=4, keys=SAME), MAPS.layers[-1]), {"target": "up5k"}),
        ((CONV, MAPS.layers[-1]), {"events_per_clock": [1, 1]}),
    ],
)
def test_networks_of_a_case_share_the_verilog_and_are_different(layers, options, tmp_path):
    case = dataclasses.replace(MAPS, inputs=48, shape=(4, 6, 2), layers=layers, options=options)
    found, weights = [], set()
    for index in range(3):
        network = case.network(index)
        rtl = tmp_path / str(index)
        rtl.mkdir()
        plan = case.plan(network)
        write_verilog(plan, rtl)
        found.append(shared_sources(plan, rtl))
        weights.add(tables(network))
    assert len(weights) == 3
    assert found[0] == found[1] == found[2]


def test_equal_networks_are_tried_once(tmp_path):
    one = dataclasses.replace(CONV, neurons=1, lanes=1, keys=SAME)
    case = dataclasses.replace(MAPS, inputs=8, shape=(2, 4, 1), layers=(one,), networks=5)
    assert attempt(case, Workshop(tmp_path))["networks"] == 1


@pytest.mark.parametrize(
    "kind, keys", [("delay", {"taps": 2, "longest": 7}), ("pool", {"window": [2, 2], "mode": "or"})]
)
def test_layers_without_neurons_are_compared_in_simulation_too(kind, keys, tmp_path):
    relay = dataclasses.replace(LAYER, neurons=1, lanes=1, kind=kind, keys=keys)
    counts = attempt(dataclasses.replace(MAPS, layers=(relay, *MAPS.layers)), Workshop(tmp_path))
    assert counts["networks"] == 1 and counts["frames_on_time"] == 3 and "refused" not in counts


@pytest.mark.parametrize("case", [CASE, MAPS])
def test_summed_membranes_are_compared_in_simulation(case, tmp_path):
    layers = tuple(dataclasses.replace(layer, state_bits=min(layer.state_bits, 20)) for layer in case.layers)
    case = dataclasses.replace(case, layers=layers, references=0, membrane=True)
    assert case.network(0).readout == "membrane"
    counts = attempt(case, Workshop(tmp_path))
    assert counts["networks"] == case.networks and counts["damaged_frames"] and "refused" not in counts


def test_what_no_core_takes_is_counted_with_its_reason(monkeypatch, tmp_path):
    clock = types.SimpleNamespace(now=0.0, monotonic=lambda: clock.now, time=lambda: clock.now)
    for module in (batch, campaigns):
        monkeypatch.setattr(module, "time", clock)

    def never(*_):
        clock.now += 0.25
        raise TwinspikeError("layers.3.kind = 'swirl' is not allowed")

    monkeypatch.setattr(Case, "plan", never)
    campaign = Campaign(tmp_path, tmp_path / "maps.json", 1, maps=True)
    campaign.run(None, 1 / 60)
    counts = campaign.counts
    assert counts["refused"] == {"layers.n.kind = 'swirl' is not allowed": 4}
    assert counts["networks"] == 0 and counts["scalar_frames"] == sum(counts["refused"].values())
    # The two models in Python are compared all the same.
    monkeypatch.setattr(trial.scalar, "run", lambda *_: ([], ()))
    with pytest.raises(Differs, match="golden model and scalar interpreter disagree"):
        attempt(MAPS, Workshop(tmp_path))


def test_a_prediction_follows_the_sources():
    plan = make_plan(MAPS.network(0), (2, 7))
    counts = MAPS.spikes(0).astype(np.int64)
    trace = trial.predict(plan, counts)
    assert all(map(np.array_equal, trace.spikes, trial.golden.run(plan.network, MAPS.spikes(0)).spikes))
    same = {**GEOMETRY, "kernel": [1, 1], "stride": [1, 1], "padding": [0, 0]}
    twice = {"sources": [1, 0]}
    layers = (
        dataclasses.replace(CONV, keys=same),
        dataclasses.replace(CONV, keys=same),
        dataclasses.replace(LAYER, keys=twice),
    )
    network = dataclasses.replace(MAPS, layers=layers).network(0)
    fake = dataclasses.replace(plan, network=network)
    ours, theirs = trial.predict(fake, counts), trial.golden.run(network, MAPS.spikes(0))
    assert all(map(np.array_equal, ours.spikes, theirs.spikes))
