"""Steps of the flow killed with SIGKILL (``make crash-test``): files are old or new, resuming ends the same.

Kills come at random moments, and (thorough in a way that moments are not) before each of a step's
file operations, which Python's audit events announce.
"""

import argparse
import contextlib
import functools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from twinspike.numerics.files import write_json

# Audit events of what changes files; os.replace is announced as os.rename.
FILE_EVENTS = {
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.chmod",
    "os.truncate",
    "os.utime",
}
TOML = """\
dataset = "digits"
seed = 7
timesteps = 5
[[layers]]
neurons = 24
state_bits = 8
[[layers]]
neurons = 8
[training]
epochs = 5
batch_size = 100
learning_rate = 0.005
"""


def killed(
    step: Callable[[], object], *, after: float | None = None, operation: int | None = None, near: str = ""
) -> bool:
    """Run `step` in a child; SIGKILL it after so many seconds, or before its n-th file operation.

    `near`: only operations on paths that contain it count. Returns whether the kill came before
    the end; a step that fails by itself raises RuntimeError.
    """
    child = os.fork()
    if child == 0:
        os.setsid()
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            if operation is not None:
                _kill_before(operation, near)
            step()
            os._exit(0)
        except BaseException:
            os._exit(1)
    if after is not None:
        deadline = time.monotonic() + after
        while time.monotonic() < deadline:
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            time.sleep(0.002)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # tools that it had started
    if os.WIFSIGNALED(status):
        return True
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError("the step failed by itself")
    return False


def _kill_before(operation: int, near: str) -> None:
    seen = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal seen
        if event in FILE_EVENTS and near in str(arguments[0]):
            if seen == operation:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

    sys.addaudithook(hook)


def contents(folder: Path) -> dict[str, bytes]:
    """The files below `folder` by name, without the hidden ones that a kill leaves behind."""
    if not folder.is_dir():
        return {}
    files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
    names = [p.relative_to(folder) for p in files]
    return {
        str(name): path.read_bytes()
        for name, path in zip(names, files, strict=True)
        if not any(part.startswith(".") for part in name.parts)
    }


class Bench:
    """A tiny configuration, its uninterrupted outcome, and the steps to be killed.

    Every step runs in a child: threads that one has started here would be missing after a fork.
    """

    def __init__(self, folder: Path):
        from twinspike.config import load_config
        from twinspike.flow.folders import folders
        from twinspike.flow.training import train
        from twinspike.model import training

        # A checkpoint an epoch, or so short a training would have none to go on from.
        training.CHECKPOINT_SECONDS = 0.0
        self.folder, self.step, self.exported = folder, train, training.export
        path = folder / "tiny.toml"
        path.write_text(TOML)
        self.config = load_config(str(path))
        self.place = lambda name: folders(str(folder / name), "tiny")
        # Twice: the first of a fresh machine compiles the kernels, the second is the one to time.
        for _ in range(2):
            start = time.monotonic()
            if killed(lambda: train(self.config, self.place("whole"), resume=False, warn=print)):
                raise RuntimeError("nobody killed the first training")
            self.train_seconds = time.monotonic() - start
        self.whole = contents(self.place("whole").build)

    def train(self, name: str, **kill) -> bool:
        return killed(lambda: self.step(self.config, self.place(name), resume=True, warn=print), **kill)

    def training_kills(self, name: str, rng: random.Random, kills: int) -> int:
        """Kill and go on `kills` times, then to the end: the outcome must be the uninterrupted one.

        A training that ends before its moment starts anew: as often as there are kills, no more.
        """
        done = 0
        for _ in range(2 * kills):
            if done == kills:
                break
            if self.train(name, after=rng.uniform(0, self.train_seconds)):
                done += 1
            else:
                shutil.rmtree(self.place(name).build)
            self.check_sound(name)
        assert not self.train(name)
        for file in ("network.safetensors", "train.jsonl"):
            assert contents(self.place(name).build)[file] == self.whole[file], (
                f"{file} differs after {done} kills"
            )
        return done

    def check_sound(self, name: str) -> None:
        """Whatever there is can be read: no torn file."""
        from twinspike.numerics.files import parse_json
        from twinspike.quant.network_file import load_network

        build = self.place(name).build
        for file, data in contents(build).items():
            if file == "network.safetensors":
                load_network(build / file)
            elif file.endswith(".json"):
                parse_json(data)
            elif file.endswith(".jsonl"):
                assert data.endswith(b"\n") and [parse_json(line) for line in data.splitlines()]

    def export_kills(self, name: str, kills: list[dict]) -> int:
        """Each file of an export that is killed is the old one or the new one, whole."""
        import dataclasses

        from twinspike.quant.network_file import load_network

        place = self.place(name)
        place.build.mkdir(parents=True, exist_ok=True)
        for file, data in self.whole.items():
            (place.build / file).write_bytes(data)
        assert not killed(lambda: self.exported(self.config, place.build))
        new = contents(place.build)
        older = dataclasses.replace(load_network(place.network), name="older").to_bytes()
        old = {**new, "network.safetensors": older, "metrics.json": b'{"older": 1}\n'}
        done = 0
        for kill in kills:
            for file, data in old.items():
                (place.build / file).write_bytes(data)
            done += killed(lambda: self.exported(self.config, place.build), **kill)
            found = contents(place.build)
            assert found.keys() == old.keys(), f"{kill}: {sorted(found)}"
            torn = [file for file, data in found.items() if data not in (old[file], new[file])]
            assert not torn, f"{kill}: torn {torn}"
        return done

    def rtl_kills(self, name: str, kills: list[dict]) -> tuple[int, int]:
        """The folder is the old one or the new one, whole, or for an instant gone; returns (kills, gone)."""
        from support.networks import random_network

        from twinspike.hw.emit.emit import emit
        from twinspike.hw.plan import make_plan

        plans = [make_plan(random_network(seed, widths=(3, 2))) for seed in (1, 2)]
        whole = []
        for index, plan in enumerate(plans):
            emit(plan, self.folder / name / str(index))
            whole.append(contents(self.folder / name / str(index)))
        assert whole[0] != whole[1]
        out, done, gone = self.folder / name / "rtl", 0, 0
        emit(plans[0], out)
        for index, kill in enumerate(kills):
            done += killed(functools.partial(emit, plans[(index + 1) % 2], out), **kill)
            found = contents(out)
            gone += not found
            assert not found or found in whole, f"{kill}: a torn folder with {sorted(found)}"
        emit(plans[0], out)
        assert contents(out) == whole[0]
        return done, gone

    def study_kills(self, name: str, rng: random.Random, kills: int) -> int:
        """Kill a study's processes, all of them, `kills` times; its rows must be the uninterrupted ones."""
        from twinspike.study.measure import measure
        from twinspike.study.runs import complete, run_for

        configs = [self.config.changed(f"tiny-{seed}", seed=seed) for seed in (1, 2, 3)]

        def study(where: str) -> None:
            complete([run_for(c, self.folder / where) for c in configs], measure, jobs=2, title=where)

        def figures(where: str) -> list[dict]:
            rows = [run_for(c, self.folder / where).row for c in configs]
            return [{k: v for k, v in row.items() if not k.endswith(("seconds", "_us"))} for row in rows]

        start = time.monotonic()
        assert not killed(lambda: study(f"{name}-whole"))
        seconds, done = time.monotonic() - start, 0
        for _ in range(kills):
            done += killed(lambda: study(name), after=rng.uniform(0, seconds))
            for path in (self.folder / name).rglob("row.json"):
                json.loads(path.read_text())
        assert not killed(lambda: study(name))
        assert figures(name) == figures(f"{name}-whole"), f"other rows after {done} kills"
        return done


def main() -> int:
    parser = argparse.ArgumentParser(prog="crashes", description=__doc__)
    parser.add_argument("--kills", type=int, default=60, help="at random moments (default: about 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: 1)")
    parser.add_argument("--json", type=Path, help="where to write the counts")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    found: dict[str, object] = {"seed": options.seed}
    with tempfile.TemporaryDirectory() as name, tqdm(total=6, desc="crashes", disable=None) as bar:
        bench = Bench(Path(name))
        bar.update()
        share = options.kills // 3
        trainings = [bench.training_kills(f"train{i}", rng, 5) for i in range(-(-share // 4))]
        bar.update()
        studies = bench.study_kills("study", rng, max(3, share // 3))
        bar.update()
        start = time.monotonic()
        bench.export_kills("timed", [{}])
        export_seconds = (time.monotonic() - start) / 2
        moments = [{"after": rng.uniform(0, 1.1 * export_seconds)} for _ in range(share)]
        exports = bench.export_kills("export", moments)
        operations = [{"operation": n, "near": name} for n in range(0, 60, 5)]
        export_operations = bench.export_kills("export-operations", operations)
        bar.update()
        start = time.monotonic()
        bench.rtl_kills("rtl-timed", [{}, {}])
        rtl_seconds = (time.monotonic() - start) / 5
        moments = [{"after": rng.uniform(0, 1.1 * rtl_seconds)} for _ in range(share + 5)]
        rtl, gone = bench.rtl_kills("rtl", moments)
        bar.update()
        operations = [{"operation": n, "near": name} for n in range(0, 120, 8)]
        rtl_operations, more_gone = bench.rtl_kills("rtl-operations", operations)
        bar.update()
    found |= {
        "train": {"random": sum(trainings), "resumed_to_the_same_bytes": len(trainings)},
        "study": {"random": studies},
        "export": {"random": exports, "before_file_operations": export_operations},
        "rtl": {"random": rtl, "before_file_operations": rtl_operations, "folder_gone": gone + more_gone},
        "random_kills": sum(trainings) + studies + exports + rtl,
        "operation_kills": export_operations + rtl_operations,
    }
    print(found)
    if options.json:
        write_json(options.json, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
