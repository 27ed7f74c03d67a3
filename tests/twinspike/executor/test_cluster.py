"""A real Dask scheduler and workers on loopback: runs, a worker killed in mid-run, refusals."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

distributed = pytest.importorskip("distributed")
from support.runs import counting, epochs_done, squares  # noqa: E402

from twinspike.config import load_config  # noqa: E402
from twinspike.executor import Store, Task, on_this_machine  # noqa: E402
from twinspike.executor.cluster import _perform, on_cluster  # noqa: E402
from twinspike.numerics.errors import TwinspikeError  # noqa: E402
from twinspike.study.measure import measure  # noqa: E402
from twinspike.study.runs import complete, run_for  # noqa: E402

ROOT = Path(__file__).parents[3]
STEPS, SECONDS = 40, 0.1


def start(*arguments, **variables):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        "OMP_NUM_THREADS": "1",
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "60s",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *map(str, arguments[1:])],
        env=environment | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ["--host", "127.0.0.1", "--port", port, "--no-dashboard", "--no-jupyter"]
    scheduler = start("dask_scheduler", *where)
    limit = time.monotonic() + 120
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert scheduler.poll() is None and time.monotonic() < limit, "the scheduler did not start"
        time.sleep(0.2)
    yield f"tcp://127.0.0.1:{port}"
    end(scheduler)


@pytest.fixture
def workers(address, tmp_path):
    """Starts workers without nannies, which would start a killed one again; gives pid -> process."""
    started = {}

    def begin(count, threads=1):
        for _ in range(count):
            process = start(
                "dask_worker", address, "--nthreads", threads, "--no-nanny", "--no-dashboard",
                "--local-directory", tmp_path / "dask", "--death-timeout", 120,
            )  # fmt: skip
            started[process.pid] = process
        return started

    yield begin
    for process in started.values():
        end(process)


def test_a_killed_worker_s_run_goes_on_elsewhere(address, workers, tmp_path):
    started = workers(2)
    store = Store.at(tmp_path / "runs")
    tasks = [Task(f"counts-{n}", counting, (STEPS, SECONDS), f"run {n}") for n in range(3)]
    rows, killed = {}, []

    def victim():
        """A worker that is in the midst of a run."""
        for folder in (tmp_path / "runs").glob("counts-*"):
            at, who = folder / "at", folder / "processes"
            if (
                at.exists()
                and not (folder / "row.json").exists()
                and 5 <= int(at.read_text() or 0) < STEPS - 5
            ):
                return folder.name, int(who.read_text().split()[0])
        return None

    def kill():
        limit = time.monotonic() + 100
        while not killed and time.monotonic() < limit:
            found = victim()
            if found:
                os.kill(found[1], signal.SIGKILL)
                killed.append(found)
            time.sleep(0.05)

    thread = threading.Thread(target=kill)
    thread.start()
    with on_cluster(address) as executor:
        for task, row in executor.each(tasks, store, "counting"):
            rows[task.key] = row
    thread.join()
    ((key, pid),) = killed
    assert started[pid].wait(10) == -signal.SIGKILL
    assert set(rows) == {task.key for task in tasks}
    # It went on where the killed one had come to, in the other process.
    assert rows[key]["begun"] >= 5 and rows[key]["processes"][0] == str(pid) != rows[key]["processes"][1]
    assert all(row["begun"] == 0 for name, row in rows.items() if name != key)


def test_trainings_on_a_cluster_give_the_figures_of_this_machine(address, workers, tmp_path):
    workers(2)
    base = load_config("digits").changed("x", training={"epochs": 2}, layers=[{"neurons": 24}, {}])
    configs = [base.changed(f"seed {seed}", seed=seed) for seed in (1, 2)]
    there = [run_for(config, Store.at(f"file://{tmp_path}/there")) for config in configs]
    with on_cluster(address) as executor:
        complete(there, measure, executor=executor, title="there", progress=False)
    (here,) = [run_for(configs[0], Store.at(tmp_path / "here"))]
    with on_this_machine(1) as executor:
        complete([here], measure, executor=executor, title="here", progress=False)
    assert there[0].row["network_hash"] == here.row["network_hash"] != there[1].row["network_hash"]
    assert here.row["macro_f1"] == there[0].row["macro_f1"] and epochs_done(here) == 2


def test_workers_with_threads_are_refused(address, workers):
    workers(1, threads=2)
    with on_cluster(address) as executor:
        executor.backend._client.wait_for_workers(1, timeout=60)
        with pytest.raises(TwinspikeError, match=r"has 2 threads: start it with dask worker --nthreads 1"):
            list(executor.each(squares([1]), Store.at("/nowhere"), "x"))


def test_a_worker_of_other_code_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("twinspike.executor.cluster.identity", lambda: "0.0.1 abc")
    (task,) = squares([3])
    with pytest.raises(TwinspikeError, match=r"runs twinspike 0.0.1 abc, the command 0.2.0 def: install"):
        _perform(task, Store.at(tmp_path), "0.2.0 def")


def test_no_scheduler_is_one_line(monkeypatch):
    monkeypatch.setattr("twinspike.executor.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(TwinspikeError) as refused:
        on_cluster("tcp://127.0.0.1:1")
    assert re.match(r"--cluster tcp://127\.0\.0\.1:1: nobody answers there", str(refused.value))
