"""Many trainings: cached by content, shared between processes, whole after a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.runs import epochs_done

from twinspike.config import load_config
from twinspike.executor import Store, on_this_machine
from twinspike.executor.task import perform
from twinspike.numerics.errors import TwinspikeError
from twinspike.numerics.sources import _bare
from twinspike.study.measure import measure
from twinspike.study.runs import code_version, complete, run_for

# Each epoch is a fraction of a second: long enough to be killed in, short enough for a test.
EPOCHS = 15


def configs():
    base = load_config("digits").changed("base", training={"epochs": EPOCHS}, layers=[{"neurons": 24}, {}])
    return [base.changed(f"seed {seed}", seed=seed) for seed in (1, 2)]


def wait_for(condition, process, seconds=400):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < end, "the study ended or hangs"
        time.sleep(0.02)


def completed(runs, title):
    with on_this_machine(1) as executor:
        complete(runs, measure, executor=executor, title=title, progress=False)


def finished(run, measured):
    """The row of a run that is finished in this process, by what a worker calls."""
    return perform(run.task(measured), run.store)


def refuse(config, folder, on_step):
    raise TwinspikeError("layer 0 was silent")


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """Two runs of which a SIGKILL hit the second one in the middle of its training."""
    root = tmp_path_factory.mktemp("study")
    code = (
        "import sys; from pathlib import Path; from test_runs import *\n"
        "if __name__ == '__main__':\n"
        "    completed([run_for(c, Store.at(sys.argv[1])) for c in configs()], 'killed')\n"
    )
    script = root / "script.py"
    script.write_text(code)
    process = subprocess.Popen(
        [sys.executable, str(script), str(root)],
        cwd=Path(__file__).parents[3],
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([".", "tests", str(Path(__file__).parent)])},
        stderr=subprocess.DEVNULL,
    )
    runs = [run_for(config, Store.at(root)) for config in configs()]
    wait_for(lambda: epochs_done(runs[1]) >= 3, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return runs


def test_after_a_kill_everything_ends_as_if_nothing_had_happened(interrupted, tmp_path):
    first, second = interrupted
    assert first.row and second.row is None and 3 <= epochs_done(second) < EPOCHS
    row = Path(first.store.root) / first.key / "row.json"
    written = row.stat().st_mtime_ns
    completed(interrupted, "again")
    assert row.stat().st_mtime_ns == written
    for run in interrupted:
        assert run.row["epochs"] == EPOCHS and run.row["macro_f1"] > 0.8
        assert run.row["cycles"]["latency"] > run.row["spikes_per_image"]["input"]
        assert not (Path(run.store.root) / run.key / "checkpoint.safetensors").exists()
    untouched = run_for(configs()[1], Store.at(tmp_path))
    assert finished(untouched, measure)["network_hash"] == second.row["network_hash"]


def test_a_run_is_named_by_content(tmp_path):
    base, store = load_config("digits"), Store.at(tmp_path)
    same = run_for(base.changed("another name"), store)
    assert same.key == run_for(base, store).key
    for other in (base.changed("x", seed=2), base.changed("x", training={"epochs": 3}), load_config("mnist")):
        assert run_for(other, store).key != same.key


def test_comments_and_docstrings_do_not_count_as_code_but_code_does():
    source = 'def f(x):\n    """What it does."""\n    return x + 1  # because\n'
    assert _bare(source) == _bare('def f(x):\n    """Said otherwise."""\n\n    return (x + 1)\n')
    assert _bare(source) != _bare(source.replace("+", "-"))
    assert code_version() == code_version()


def test_a_refused_run_leaves_its_reason_and_is_not_tried_again(tmp_path):
    run = run_for(configs()[0], Store.at(tmp_path))
    assert finished(run, refuse) == {"error": "layer 0 was silent"}
    assert finished(run, measure) == {"error": "layer 0 was silent"}
