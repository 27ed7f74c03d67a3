"""The study's grid, what its rows hold, and the documents made from them."""

import json
from pathlib import Path

import pytest

from twinspike.config import load_config
from twinspike.documents import study as study_tables
from twinspike.documents.tables import NOT_YET, Figures
from twinspike.study.figures import draw_study
from twinspike.study.study import AXES, DATASETS, grid

ROOT = Path(__file__).parents[3]
BASE = load_config("study")


def rows_of(quick):
    return list(grid(BASE, quick=quick))


@pytest.mark.parametrize("quick", [False, True])
def test_each_row_differs_from_the_base_in_its_axis_alone(quick):
    def flat(config):
        table = json.loads(json.dumps(config.table()))
        del table["name"]
        return {
            "encoding": table.pop("encoder"),
            "distance": table["training"].pop("distance"),
            "loss": table["training"].pop("loss"),
            "bits": [la.pop("weight_bits") for la in table["layers"]],
            "neuron": [[la.pop(k) for k in ("reset", "single_spike")] for la in table["layers"]],
            "rest": table,
        }

    for dataset in DATASETS[:1] if quick else DATASETS:
        rows = [(what, config) for what, config in rows_of(quick) if what["dataset"] == dataset]
        start = flat(rows[0][1])
        for what, config in rows:
            differs = {key for key, value in flat(config).items() if value != start[key]}
            assert differs <= {what["axis"]}, what
        for axis in AXES:
            values = [flat(config)[axis] for what, config in rows if what["axis"] == axis]
            assert values[0] == start[axis] and all(values.count(value) == 1 for value in values)


def test_the_full_grid_has_every_encoding_with_its_twin_and_every_option():
    from twinspike.model.settings import DISTANCES, LOSSES
    from twinspike.numerics.encodings import ENCODINGS, Timed

    for dataset in DATASETS:
        found = {
            axis: [w["value"] for w, _ in rows_of(False) if (w["dataset"], w["axis"]) == (dataset, axis)]
            for axis in AXES
        }
        # The graded code has no steps to compare: its input is all there in the first one.
        of_images = {kind for kind, encoding in ENCODINGS.items() if not issubclass(encoding, Timed)}
        assert set(found["encoding"]) == of_images - {"graded"}
        assert set(found["distance"]) == set(DISTANCES) and set(found["loss"]) == set(LOSSES)
        assert set(found["bits"]) == {"8", "4", "3", "2", "1"}


def test_the_committed_study_is_of_this_grid():
    study = Figures.read(ROOT / "results").studies["study"]
    keys = ("dataset", "axis", "value")
    datasets = [name for name in DATASETS if name in study["baseline_knn_macro_f1"]]
    expected = grid(BASE, quick=False, datasets=datasets)
    assert [{key: row[key] for key in keys} for row in study["rows"]] == [what for what, _ in expected]
    assert load_config("study").trains_as(study["base"])


def row(dataset, axis, value, f1, events, own=None):
    made = {
        "dataset": dataset,
        "axis": axis,
        "value": value,
        "macro_f1": f1,
        "macro_f1_knn": f1 + 0.01,
        "hidden_activity": 0.12,
        "spikes_per_image": {"input": events, "hidden": 40.0, "output": 20.0},
        "synaptic_operations": 12345.6,
        "cycles": {"latency": 10 * events, "interval": 8 * events},
        "train_cpu_seconds": 30.0,
        "inference_us": 50.0,
        "epochs": 5,
    }
    return made if own is None else {**made, "macro_f1_own_distance": own}


@pytest.fixture
def figures():
    rows = [
        row("mnist", "encoding", "latency", 0.95, 100.0),
        row("mnist", "encoding", "latency-dense", 0.96, 160.0),
        row("mnist", "distance", "emd", 0.95, 100.0),
        row("mnist", "distance", "spike-count", 0.9, 100.0, own=0.94),
        row("mnist", "bits", "4", 0.95, 100.0),
        row("mnist", "bits", "1", 0.90, 100.0),
        {"dataset": "fashion", "axis": "encoding", "value": "rate", "error": "layer 0 was silent"},
    ]
    paper = {"macro_f1": 0.9386, "hidden_activity": 0.15, "dense_slower": 0.45}
    study = {"rows": rows, "baseline_knn_macro_f1": {"mnist": 0.97}}
    return Figures({}, {"pabian": paper, "accelerators": []}, {"study": study})


def test_tables_hold_the_rows_and_name_failures(figures):
    text = study_tables.study(figures, "d", "encoding")
    assert "| MNIST | `latency` | 0.9500 | 0.9600 | 12.0% | 100 / 40 / 20 | 12,346 | 1,000 / 800 |" in text
    assert "| Fashion-MNIST | `rate` | layer 0 was silent |" in text
    assert "0.9400" in study_tables.study(figures, "d", "distance")


def test_claims_are_judged_by_the_figures(figures):
    text = study_tables.claims(figures, "d")
    assert "**holds, and is exceeded**" in text and "cycles in RTL +60% to +60%" in text
    assert "**holds, and far more so in hardware" in text and "**holds, fewer will do**" in text
    figures.studies["study"]["rows"][0]["macro_f1"] = 0.90
    figures.studies["study"]["rows"][1]["cycles"]["interval"] = 900.0
    text = study_tables.claims(figures, "d")
    assert "**not reached here**" in text and "**not as much here**" in text


def test_without_a_study_the_documents_say_so():
    nothing = Figures({}, {"accelerators": []})
    assert study_tables.study(nothing, "d", "bits") == study_tables.claims(nothing, "d") == NOT_YET
    assert study_tables.recipes(nothing, "d") == NOT_YET


def test_recipes_are_judged_by_their_means():
    recipe = {
        "config": "mnist",
        "wanted": {"macro_f1": 0.985, "hidden_activity": 0.10},
        "seeds": [1, 2],
        "shape": [256, 32],
        "timesteps": 8,
        "weight_bits": 4,
        "macro_f1": [0.984, 0.9862],
        "hidden_activity": [0.09, 0.1],
    }
    text = study_tables.recipes(Figures({}, {}, {"recipes": {"rows": [recipe]}}), "d")
    assert "0.9851 (0.9840 to 0.9862)" in text and text.rstrip().endswith("| yes |")
    recipe["hidden_activity"] = [0.09, 0.12]
    assert "| no |" in study_tables.recipes(Figures({}, {}, {"recipes": {"rows": [recipe]}}), "d")


def test_plots_are_redrawn_only_for_other_figures(figures, tmp_path):
    study = figures.studies["study"]
    assert {path.name for path in draw_study(study, tmp_path)} == {
        "study-activity.svg",
        "study-cycles.svg",
        "study-bits.svg",
    }
    assert draw_study(study, tmp_path) == []
    study["rows"][0]["macro_f1"] = 0.93
    assert len(draw_study(study, tmp_path)) == 3
