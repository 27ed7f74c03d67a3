import json
from pathlib import Path

import pytest
from support.networks import random_network

from twinspike.hw.plan import make_plan
from twinspike.hw.predict import area
from twinspike.hw.predict.area import coefficients, features, logic_cells
from twinspike.numerics.errors import TwinspikeError

RESULTS = Path(__file__).parents[3] / "results"
CALIBRATED = sorted(RESULTS.glob("area-*.json"))


def test_every_family_of_cores_is_calibrated():
    assert {path.stem for path in CALIBRATED} == {"area-ice40", "area-ecp5", "area-ecp5-wide"}


@pytest.mark.parametrize("path", CALIBRATED, ids=lambda path: path.stem)
def test_shipped_coefficients_are_the_calibrated_ones_and_within_15_percent_of_every_core(path):
    found = json.loads(path.read_text())
    assert coefficients()[found["family"]] == found["coefficients"]
    for row in found["samples"]:
        predicted = sum(found["coefficients"].get(k, 0.0) * x for k, x in row["features"].items())
        assert round(predicted) == row["predicted"]
        assert abs(row["predicted"] / row["logic_cells"] - 1) <= 0.15, row


@pytest.mark.parametrize("target", ["up5k", "ecp5-25k"])
def test_more_lanes_references_and_state_bits_take_more_cells(target):
    def cells(lanes, references=10, state_bits=8):
        network = random_network(
            1, shape=(196,), widths=(64, 32), timesteps=8, state_bits=state_bits, classes=references
        )
        return logic_cells(make_plan(network, lanes, target))

    few = cells((4, 4))
    assert 500 < few < cells((16, 4))
    assert few < cells((4, 4), references=16)
    assert few < cells((4, 4), state_bits=12)


def test_a_family_that_is_not_calibrated_is_said(monkeypatch):
    monkeypatch.setattr(area, "coefficients", lambda: {"ice40": {"core": 400.0}})
    network = random_network(1)
    assert logic_cells(make_plan(network, target="up5k")) == 400
    with pytest.raises(
        TwinspikeError, match=r"ecp5 cores cannot be predicted \(known: ice40\): run make calibrate"
    ):
        logic_cells(make_plan(network, target="ecp5-25k"))


def test_features_say_what_lies_in_logic():
    network = random_network(1, shape=(64,), widths=(64, 32), timesteps=8, state_bits=8)
    wide = features(make_plan(network, target="ecp5-85k", events_per_clock=(2, 2)))
    few, many = (features(make_plan(network, (lanes, 4), "up5k")) for lanes in (4, 32))
    assert few["registers"] < many["registers"]  # 2 words of 32 lanes are no memory for a block of RAM
    assert wide["bank trees"] > 0 and wide["lut rams"] > 0
    assert few["image"] == 0
