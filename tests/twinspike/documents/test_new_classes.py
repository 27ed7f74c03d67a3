"""Tables of new classes say what results/oneshot.json says, network by network."""

from twinspike.documents import new_classes
from twinspike.documents.tables import NOT_YET, Figures


def share(mean):
    return {"mean": mean, "std": 0.01}


def part(new, every):
    return {
        "asked": 30,
        "ten_way": [share(0.7), share(0.8)],
        "enrolment": [{"examples": 5, "new": share(new), "all": share(every)}],
        "unknown": {
            kind: {"auroc": 0.97, "false_accepts_at_95": 0.1, "true_accepts": 0.93, "false_accepts": 0.08}
            for kind in ("own_thresholds", "one_threshold")
        },
    }


def figures():
    tasks = {task: share(0.9) for task in new_classes._TASKS} | {
        "standard_copies": share(0.9) | {"copies": 24}
    }
    verification = {"eer": 0.05, "roc_auc": 0.98, "pairs": 20000}
    found = {
        "omniglot": {name: tasks | {"verification": verification} for name in ("omniglot-conv", "pixels")},
        "digits": {"mnist-0-6": part(0.91, 0.83), "omniglot-conv": part(0.5, 0.4), "pixels": part(0.2, 0.1)},
        "recordings": {"nmnist-0-6": {"nmnist-0-6": part(0.9, 0.8), "pixels": part(0.3, 0.2)}},
        "networks": {"omniglot-conv": {"layers": ["conv 16", "96"], "timesteps": 4, "weight_bits": 4}},
    }
    return Figures({}, {"one_shot": []}, {"oneshot": found})


def test_each_network_has_its_column_and_its_rows():
    text = new_classes.one_shot(figures(), "d")
    assert "`omniglot-conv`: conv 16, 96, T = 4, 4-bit weights | raw pixels" in text
    assert "omniglot-small" not in text and "equal error rate: `omniglot-conv` 5.0%, ROC AUC 0.9800" in text
    assert "| Omniglot, 5-way 1-shot | 90.0% ± 1.0% | 90.0% ± 1.0% |" in text
    text = new_classes.enrolment(figures(), "d")
    assert "| `mnist-0-6`, which saw 0 to 6 | 5 | 91.0% ± 1.0% | 83.0% ± 1.0% |" in text
    assert text.count("\n|") == 2 + 3
    assert new_classes.unknown(figures(), "d").count("| 0.9700 | 10.0% | 93.0% | 8.0% |") == 6


def test_recordings_stand_beside_raw_spikes():
    text = new_classes.recorded_enrolment(figures(), "d")
    assert "| `nmnist-0-6` | 30 | 5 | 90.0% ± 1.0% | 80.0% ± 1.0% | 0.9700 |" in text
    assert "| raw spikes | 30 | 5 | 30.0% ± 1.0% | 20.0% ± 1.0% | 0.9700 |" in text and "keywords" not in text


def test_before_anything_was_measured():
    nothing = Figures({}, {}, {})
    for fill in (
        new_classes.one_shot,
        new_classes.enrolment,
        new_classes.recorded_enrolment,
        new_classes.unknown,
    ):
        assert fill(nothing, "d") == NOT_YET
