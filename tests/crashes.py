"""Steps of the flow killed with SIGKILL (``make crash-test``): files are old or new, resuming ends the same.

A step is first run to its end and reports the points that it passes (support/kills.py); kills come at
points drawn from those, and, thorough in a way that chance is not, at every point of short steps.
"""

import argparse
import functools
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from support.kills import Point, batch_done, ended, killed, killing_measure, points
from tqdm import tqdm

from twinspike.numerics.files import write_json

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


# Draws from the points that a step has reported those at which it is to be killed.
Choice = Callable[[Sequence[Point]], Sequence[Point]]


class Bench:
    """A tiny configuration, its uninterrupted outcome, and the steps to be killed.

    Every step runs in a child: threads that one has started here would be missing after a fork.
    """

    def __init__(self, folder: Path):
        from twinspike.config import load_config
        from twinspike.flow.folders import folders
        from twinspike.model.training import training

        # A checkpoint an epoch, or so short a training would have none to go on from.
        training.CHECKPOINT_SECONDS = 0.0
        self.folder, self.training = folder, training
        path = folder / "tiny.toml"
        path.write_text(TOML)
        self.config = load_config(str(path))
        self.place = lambda name: folders(str(folder / name), "tiny")
        self.points = points(lambda: self.train("whole"), folder)
        self.whole = contents(self.place("whole").build)

    def train(self, name: str) -> None:
        build = self.place(name).build
        self.training.train(self.config, build, resume=True, progress=False, on_step=batch_done)

    def training_kills(self, name: str, rng: random.Random, kills: int) -> int:
        """Kill and go on `kills` times, then to the end: the outcome must be the uninterrupted one.

        Each kill is in a later epoch than the one before: what goes on from the last checkpoint passes
        all of a later epoch's points.
        """
        for epoch in sorted(rng.sample(range(self.config.training.epochs), kills)):
            point = rng.choice([point for point in self.points if point[0] == epoch])
            killed(lambda: self.train(name), self.folder, point)
            self.check_sound(name)
        assert ended(lambda: self.train(name))
        for file in ("network.safetensors", "train.jsonl"):
            assert contents(self.place(name).build)[file] == self.whole[file], (
                f"{file} differs after {kills} kills"
            )
        return kills

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

    def export_kills(self, name: str, choose: Choice) -> int:
        """Each file of an export that is killed is the old one or the new one, whole."""
        import dataclasses

        from twinspike.quant.network_file import load_network

        place = self.place(name)
        place.build.mkdir(parents=True, exist_ok=True)
        for file, data in self.whole.items():
            (place.build / file).write_bytes(data)
        step = lambda: self.training.export(self.config, place.build)  # noqa: E731
        reported = points(step, self.folder)
        new = contents(place.build)
        older = dataclasses.replace(load_network(place.network), name="older").to_bytes()
        old = {**new, "network.safetensors": older, "metrics.json": b'{"older": 1}\n'}
        chosen = choose(reported)
        for point in chosen:
            for file, data in old.items():
                (place.build / file).write_bytes(data)
            killed(step, self.folder, point)
            found = contents(place.build)
            assert found.keys() == old.keys(), f"{point}: {sorted(found)}"
            torn = [file for file, data in found.items() if data not in (old[file], new[file])]
            assert not torn, f"{point}: torn {torn}"
        return len(chosen)

    def rtl_kills(self, name: str, choose: Choice) -> tuple[int, int]:
        """The folder is the old one or the new one, whole, or for an instant gone; returns (kills, gone)."""
        from support.networks import random_network

        from twinspike.hw.emit.emit import emit
        from twinspike.hw.plan import make_plan

        old, new, out = (self.folder / name / which for which in ("old", "new", "rtl"))
        plans = [make_plan(random_network(seed, widths=(3, 2))) for seed in (1, 2)]
        whole = []
        for plan, folder in zip(plans, (old, new), strict=True):
            emit(plan, folder)
            whole.append(contents(folder))
        assert whole[0] != whole[1]
        shutil.copytree(old, out)
        step = functools.partial(emit, plans[1], out)
        chosen, gone = choose(points(step, self.folder)), 0
        for point in chosen:
            shutil.rmtree(out, ignore_errors=True)
            shutil.copytree(old, out)
            killed(step, self.folder, point)
            found = contents(out)
            gone += not found
            assert not found or found in whole, f"{point}: a torn folder with {sorted(found)}"
        emit(plans[0], out)
        assert contents(out) == whole[0]
        return len(chosen), gone

    def study_kills(self, name: str, rng: random.Random, kills: int) -> int:
        """Kill a study's processes, all of them, `kills` times; its rows must be the uninterrupted ones."""
        from support.runs import epochs_done

        from twinspike.executor import Store, on_this_machine
        from twinspike.study.runs import Run, complete, run_for

        configs = [self.config.changed(f"tiny-{seed}", seed=seed) for seed in (1, 2, 3)]
        epochs, batches = self.config.training.epochs, max(batch for _, batch, _ in self.points)

        def runs(where: str) -> list[Run]:
            return [run_for(c, Store.at(self.folder / where)) for c in configs]

        def study(where: str, target: tuple[int, int, int]) -> None:
            with on_this_machine(2) as executor:
                measure = functools.partial(killing_measure, target)
                complete(runs(where), measure, executor=executor, title=where)

        def figures(where: str) -> list[dict]:
            rows = [run.row for run in runs(where)]
            return [{k: v for k, v in row.items() if not k.endswith(("seconds", "_us"))} for row in rows]

        def target() -> tuple[int, int, int]:
            """A batch that is still to come: a run that was killed in one always has some."""
            came_to = [(run.config.seed, epochs_done(run)) for run in runs(name)]
            seed, done = rng.choice([(seed, done) for seed, done in came_to if done < epochs])
            return seed, rng.randrange(done, epochs), rng.randint(1, batches)

        never = (0, 0, 0)
        assert ended(lambda: study(f"{name}-whole", never))
        for _ in range(kills):
            at = target()
            assert not ended(functools.partial(study, name, at)), f"the study did not pass {at}"
            for path in (self.folder / name).rglob("row.json"):
                json.loads(path.read_text())
        assert ended(lambda: study(name, never))
        assert figures(name) == figures(f"{name}-whole"), f"other rows after {kills} kills"
        return kills


def main() -> int:
    parser = argparse.ArgumentParser(prog="crashes", description=__doc__)
    parser.add_argument("--kills", type=int, default=60, help="at random points (default: about 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the choice of points (default: 1)")
    parser.add_argument("--json", type=Path, help="where to write the counts")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    found: dict[str, object] = {"seed": options.seed}
    with tempfile.TemporaryDirectory() as name, tqdm(total=6, desc="crashes", disable=None) as bar:
        bench = Bench(Path(name))
        bar.update()
        share = options.kills // 3
        trainings = [bench.training_kills(f"train{i}", rng, 4) for i in range(-(-share // 4))]
        bar.update()
        studies = bench.study_kills("study", rng, max(3, share // 3))
        bar.update()
        exports = bench.export_kills("export", lambda reported: rng.choices(reported, k=share))
        export_operations = bench.export_kills("export-operations", lambda reported: reported)
        bar.update()
        rtl, gone = bench.rtl_kills("rtl", lambda reported: rng.choices(reported, k=share + 5))
        bar.update()
        rtl_operations, more_gone = bench.rtl_kills("rtl-operations", lambda reported: reported)
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
