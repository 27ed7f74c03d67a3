import json

import numpy as np
import pytest

from twinspike.bench import calibrate
from twinspike.bench.calibrate import fit, fit_rows
from twinspike.bench.samples import SAMPLES, Sample, sample_plan
from twinspike.executor import Store, in_this_process
from twinspike.hw.predict.area import features


def test_coefficients_of_exact_measurements_are_found():
    rng = np.random.default_rng(0)
    true = {"core": 300.0, "lanes": 7.5, "sum bits": 4.0}
    terms = [{"core": 1.0, "lanes": float(a), "sum bits": float(b)} for a, b in rng.integers(1, 90, (9, 2))]
    measured = [sum(true[name] * value for name, value in row.items()) for row in terms]
    assert fit(terms, measured) == pytest.approx(true)


def test_a_feature_that_tells_nothing_gets_no_negative_coefficient():
    terms = [{"core": 1.0, "lanes": x, "noise": y} for x, y in ((1.0, 3.0), (2.0, 1.0), (3.0, 0.0))]
    found = fit(terms, [100, 200, 300])
    assert all(value > 0 for value in found.values())
    assert found["lanes"] == pytest.approx(100, rel=1e-3)


def test_cores_on_maps_leave_the_coefficients_of_the_others_as_they_are():
    plain = [{"features": {"core": 1.0, "lanes": x}, "logic_cells": 100 + 10 * x} for x in (2.0, 5.0, 9.0)]
    maps = [
        {
            "features": {"core": 1.0, "lanes": x, "walks": y},
            "logic_cells": 100 + 10 * x + 40 * y,
            "convs": [1],
        }
        for x, y in ((4.0, 1.0), (4.0, 3.0))
    ]
    alone = fit_rows(plain)
    assert fit_rows(plain + maps) == pytest.approx(alone | {"walks": 40.0})
    # What the others say wrongly of them is no reason to change it.
    maps[0]["logic_cells"] += 50
    found = fit_rows(plain + maps)
    assert {name: found[name] for name in alone} == alone and found["walks"] > 40


def test_every_sample_is_a_core_of_its_own_and_none_is_of_the_hardware_table():
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)
    for sample in SAMPLES:
        plan = sample_plan(sample)
        assert plan.wide == bool(sample.events_per_clock)
        assert all(value >= 0 for value in features(plan).values())
        assert sample.widths[1:] not in {(96, 24), (256, 32), (128, 32)}


def test_calibration_keeps_other_families_and_says_how_well_it_fits(tmp_path, monkeypatch):
    samples = [Sample("up5k", (8, n), (p,), references=2) for n, p in ((4, 1), (8, 2), (8, 4), (16, 8))]
    monkeypatch.setattr(calibrate, "SAMPLES", samples)
    monkeypatch.setattr(calibrate, "coefficients", fake := lambda: {"ecp5": {"core": 1.0}})
    fake.cache_clear = lambda: None
    monkeypatch.setattr(calibrate, "harness_rtlil", lambda plan: "")
    cells = iter([200, 260, 380, 620])
    monkeypatch.setattr(
        calibrate, "pack", lambda *arguments: {"logic_cells": next(cells), "ram_blocks": 1, "spram": 0}
    )
    fitted = calibrate.calibrate(
        in_this_process(), Store.at(tmp_path / "build"), tmp_path, ["up5k"], tmp_path
    )
    assert fitted["ecp5"] == {"core": 1.0} and set(fitted) == {"ecp5", "ice40"}
    found = json.loads((tmp_path / "area-ice40.json").read_text())
    assert [row["logic_cells"] for row in found["samples"]] == [200, 260, 380, 620]
    assert found["largest_error"] < 0.05
    assert json.loads((tmp_path / "area.json").read_text()) == fitted
