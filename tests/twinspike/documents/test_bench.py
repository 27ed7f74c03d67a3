"""The table of training steps."""

from twinspike.documents.bench import training_speed
from twinspike.documents.tables import NOT_YET, Figures


def test_rows_carry_the_run_once_and_every_ratio():
    row = {
        "name": "a",
        "step_ms": 2.0,
        "step_cpu_ms": 1.0,
        "input_ms": 0.5,
        "relative": 1.0,
        "relative_cpu": 1.0,
    }
    other = row | {"name": "b", "step_ms": 7.0, "step_cpu_ms": 3.0, "relative": 3.5, "relative_cpu": 3.0}
    run = {"network": "conv", "device": "chip", "threads": 1, "loss": "counts", "rows": [row, other]}
    lines = training_speed(Figures({}, {}, {"bench_training": {"runs": [run]}}), "D").strip().splitlines()
    assert (
        lines[2]
        == "| conv: chip, 1 | cross-entropy of spike counts | **a** | 2.0 | 1.0 | 1.00 / 1.00 | 0.5 |"
    )
    assert lines[3] == "|  |  | b | 7.0 | 3.0 | 3.50 / 3.00 | 0.5 |"


def test_without_a_run_nothing_is_claimed():
    assert NOT_YET in training_speed(Figures({}, {}), "D")
