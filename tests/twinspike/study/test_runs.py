"""Many trainings: cached by content, shared between processes, whole after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twinspike.config import load_config
from twinspike.numerics.errors import Interrupted, TwinspikeError
from twinspike.numerics.sources import _bare
from twinspike.study.measure import measure
from twinspike.study.runs import StopIfOrphaned, code_version, complete, finish, run_for, watch

# Each epoch is a fraction of a second: long enough to be killed in, short enough for a test.
EPOCHS = 15


def configs():
    base = load_config("digits").changed("base", training={"epochs": EPOCHS}, layers=[{"neurons": 24}, {}])
    return [base.changed(f"seed {seed}", seed=seed) for seed in (1, 2)]


def wait_for(condition, process, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < end, "the study ended or hangs"
        time.sleep(0.02)


def never(*_):
    pass


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """Two runs of which a SIGKILL hit the second one in the middle of its training."""
    root = tmp_path_factory.mktemp("study")
    code = (
        "import sys; from pathlib import Path; from test_runs import *\n"
        "if __name__ == '__main__':\n"
        "    runs = [run_for(c, Path(sys.argv[1])) for c in configs()]\n"
        "    complete(runs, measure, jobs=1, title='killed', progress=False)\n"
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
    runs = [run_for(config, root) for config in configs()]
    wait_for(lambda: runs[1].epochs_done >= 3, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return runs


def test_after_a_kill_everything_ends_as_if_nothing_had_happened(interrupted, tmp_path):
    first, second = interrupted
    assert first.row and second.row is None and 3 <= second.epochs_done < EPOCHS
    written = (first.folder / "row.json").stat().st_mtime_ns
    complete(interrupted, measure, jobs=1, title="again", progress=False)
    assert (first.folder / "row.json").stat().st_mtime_ns == written
    for run in interrupted:
        assert run.row["epochs"] == EPOCHS and run.row["macro_f1"] > 0.8
        assert run.row["cycles"]["latency"] > run.row["spikes_per_image"]["input"]
        assert not (run.folder / "checkpoint.safetensors").exists()
    untouched = run_for(configs()[1], tmp_path)
    assert finish(untouched, measure, never)["network_hash"] == second.row["network_hash"]


def test_a_run_is_named_by_content(tmp_path):
    base = load_config("digits")
    same = run_for(base.changed("another name"), tmp_path)
    assert same.folder == run_for(base, tmp_path).folder
    for other in (base.changed("x", seed=2), base.changed("x", training={"epochs": 3}), load_config("mnist")):
        assert run_for(other, tmp_path).folder != same.folder


def test_comments_and_docstrings_do_not_count_as_code_but_code_does():
    source = 'def f(x):\n    """What it does."""\n    return x + 1  # because\n'
    assert _bare(source) == _bare('def f(x):\n    """Said otherwise."""\n\n    return (x + 1)\n')
    assert _bare(source) != _bare(source.replace("+", "-"))
    assert code_version() == code_version()


def test_a_refused_run_leaves_its_reason_and_is_not_tried_again(tmp_path):
    run = run_for(configs()[0], tmp_path)

    def refuse(config, folder, stop):
        raise TwinspikeError("layer 0 was silent")

    assert finish(run, refuse, never) == {"error": "layer 0 was silent"}
    assert finish(run, measure, never) == {"error": "layer 0 was silent"}


def test_a_claimed_run_is_left_to_its_owner(tmp_path):
    run = run_for(configs()[0], tmp_path)
    with run.claimed() as mine, run.claimed() as again:
        assert mine and not again
    with run.claimed() as mine:
        assert mine


def test_a_torn_row_counts_as_unfinished(tmp_path):
    run = run_for(configs()[0], tmp_path)
    run.folder.mkdir()
    (run.folder / "row.json").write_text(json.dumps({"macro_f1": 1})[:-3])
    assert run.row is None


def test_a_worker_whose_parent_is_gone_stops():
    StopIfOrphaned(os.getppid())(0, 0)
    with pytest.raises(KeyboardInterrupt):
        StopIfOrphaned(os.getppid() + 1)(0, 0)


def test_ctrl_c_ends_a_command_of_many_runs_with_its_own_status():
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="study interrupted; nothing is lost: run it again") as error:
        watch([], "study", interrupt)
    assert error.value.status == 130
