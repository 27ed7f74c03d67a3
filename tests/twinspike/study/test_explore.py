"""A search over networks and cores: its front, what it leaves, and trials that were killed."""

import json
from pathlib import Path

import optuna
import pytest
from support.networks import random_network

from twinspike.config import load_config
from twinspike.documents.tables import Figures
from twinspike.executor import on_this_machine
from twinspike.flow.cost import check_fit, clock, clocks, logic_cells, shipped_clocks
from twinspike.hw.plan import make_plan
from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.network_file import load_network
from twinspike.study.explore import Search, _requeue_unfinished, explore

ROOT = Path(__file__).parents[3]
RECORDS = tuple(Figures.read(ROOT / "results").records.values())


def search(folder, records=RECORDS, base="digits", target="up5k"):
    return Search(load_config(base), target, 1, folder, records)


def search_on(made, trials=2):
    with on_this_machine(1) as executor:
        explore(made, trials=trials, executor=executor, progress=False)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    made = search(tmp_path_factory.mktemp("explore"))
    # Drawn parameters may make a core that the device cannot hold; these two fit.
    common = {
        "outputs": 16,
        "weight_bits": 4,
        "timesteps": 4,
        "lanes_0": 2,
        "lanes_1": 2,
        "cycles_weight": 0.1,
    }
    for hidden in (32, 48):
        made.open().enqueue_trial({"hidden": hidden, **common})
    search_on(made)
    return made


def test_leaves_a_front_that_nothing_beats_and_configurations_that_load(done):
    rows = json.loads((done.folder / "pareto.json").read_text())["rows"]
    assert len(rows) == 2

    def beats(a, b):
        pairs = [(-a["macro_f1"], -b["macro_f1"]), (a["us"], b["us"]), (a["logic_cells"], b["logic_cells"])]
        return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)

    for row in rows:
        assert row["front"] == (not any(beats(other, row) for other in rows))
        assert row["us"] > 0 and row["logic_cells"] > 0
        config = load_config(str(done.folder / f"front-{row['trial']}.toml")) if row["front"] else None
        if config:
            assert config.layers[0].neurons == row["hidden"] and config.timesteps == row["timesteps"]
            assert config.training.epochs == done.base.training.epochs
    assert "<svg" in (done.folder / "pareto.svg").read_text()


def test_goes_on_from_the_journal_without_training_again(done):
    before = len(done.open().trials)
    search_on(done)
    assert len(done.open().trials) == before


def test_a_killed_trial_is_queued_again_with_its_parameters(tmp_path):
    made = search(tmp_path)
    study = made.open()
    killed = study.ask()
    config = made.config(killed)
    _requeue_unfinished(study, made)
    assert study.trials[0].state == optuna.trial.TrialState.FAIL
    again = study.ask()
    assert made.run(made.config(again)).key == made.run(config).key


def test_a_device_without_figures_is_refused_before_training(tmp_path):
    with pytest.raises(TwinspikeError, match="no core was measured for hx8k yet"):
        search_on(search(tmp_path, target="hx8k", records=()))


def test_away_from_the_sources_clocks_are_those_that_ship():
    assert shipped_clocks() == clocks(RECORDS)
    assert clock("up5k", ()) == clock("up5k", RECORDS)


def test_logic_cells_are_near_those_of_a_measured_core():
    (record,) = [record for record in RECORDS if record["name"] == "mnist"]
    network = load_network(ROOT / "pretrained" / "mnist" / "network.safetensors")
    plan = make_plan(network, tuple(record["configuration"]["hardware"]["lanes"]), "up5k")
    core = record["synth"]["up5k"]
    assert logic_cells(plan, RECORDS) == pytest.approx(core["logic_cells"], rel=0.15)
    assert clock("up5k", RECORDS) <= core["fmax_min_mhz"]


def test_what_does_not_fit_is_named():
    network = random_network(1, shape=(784,), widths=(256, 32), timesteps=8, classes=10, state_bits=8)
    plan = make_plan(network, (16, 4), "up5k")
    check_fit(plan, 4000)
    with pytest.raises(TwinspikeError, match="up5k has 5280 logic cells, this core needs about 5400"):
        check_fit(plan, 5400)
