import json
from pathlib import Path

import pytest
from networks import random_network

from twinspike.hw import area
from twinspike.hw.area import (
    assumed_shape,
    coefficients,
    estimate,
    features,
    logic_cells,
    memories,
    memory_bits,
    ram_blocks,
    shape_of,
)
from twinspike.hw.plan import make_plan

RESULTS = Path(__file__).parents[1] / "results"
CALIBRATED = sorted(RESULTS.glob("area-*.json"))


@pytest.mark.parametrize("path", CALIBRATED, ids=lambda path: path.stem)
def test_shipped_coefficients_are_the_calibrated_ones_and_within_15_percent_of_every_core(path):
    found = json.loads(path.read_text())
    assert coefficients()[found["family"]] == found["coefficients"]
    for row in found["samples"]:
        predicted = sum(found["coefficients"].get(k, 0.0) * x for k, x in row["features"].items())
        assert round(predicted) == row["predicted"]
        assert abs(row["predicted"] / row["logic_cells"] - 1) <= 0.15, row


@pytest.fixture
def model(monkeypatch):
    """Coefficients of no real device."""
    made = {"core": 400.0, "sum bits": 5.0, "state bits": 2.0, "constant bits": 1.0, "reference bits": 1.5}
    monkeypatch.setattr(area, "coefficients", lambda: {"ice40": made})


def test_more_lanes_and_more_references_take_more_cells(model):
    few = estimate((784, 128, 32), (4, 4), "up5k")
    assert few < estimate((784, 128, 32), (16, 4), "up5k")
    assert few < estimate((784, 128, 32), (4, 4), "up5k", references=16)
    assert few < estimate((784, 128, 32), (4, 4), "up5k", state_bits=12)


def test_an_assumed_shape_is_near_a_real_one_of_random_weights(model):
    plan = make_plan(random_network(1, shape=(196,), widths=(32, 16), timesteps=8, state_bits=8), (8, 4))
    real = logic_cells(shape_of(plan), "up5k")
    assumed = assumed_shape((196, 32, 16), (8, 4), references=plan.references)
    assert set(features(assumed)) == set(features(shape_of(plan)))
    assert abs(logic_cells(assumed, "up5k") / real - 1) < 0.25


def test_memories_and_blocks_of_a_small_core():
    plan = make_plan(
        random_network(1, shape=(64,), widths=(96, 24), timesteps=8, state_bits=8), (8, 4), "up5k"
    )
    found = memories(plan)
    assert found["weights 0.0"] == (512, 32)
    assert found["weights 0.1"] == (256, 32)
    assert found["references"] == (8 * 32, 3 * 4)
    assert memory_bits(plan) == sum(depth * width for depth, width in found.values())
    blocks = {
        name: min(
            -(-d // depth) * -(-w // width) for depth, width in ((256, 16), (512, 8), (1024, 4), (2048, 2))
        )
        for name, (d, w) in found.items()
    }
    assert ram_blocks(plan, "up5k") == sum(blocks.values())
