"""The same network trained in three frameworks, each imported, fine-tuned, emitted and simulated.

    python benchmarks/interop.py [--epochs 8] [--frames 60]      (make interop)

Fresh exports with each parameter away from its default are imported too (exports.py), and the files of
other people where $TWINSPIKE_DATA has them (paper_files.py; else their rows stay as they were).
Writes results/interop.json, which docs/interop.md is filled from.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import exports
import others
import paper_files
import torch
from tqdm import tqdm

from twinspike.config import load_config
from twinspike.flow.exchange import ImportOptions, import_graph
from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.model.imports.frames import Data, dataset_frames
from twinspike.numerics.files import write_json
from twinspike.quant.nir_file import read_graph
from twinspike.sim.bench.runner import simulate
from twinspike.sim.bench.simulators import SIMULATORS

RESULTS = Path(__file__).parent.parent / "results" / "interop.json"
WIDTHS = (64, 96, 10)
EXPORT_WIDTHS = (64, 48, 10)
EXPORT_FRAMES = 200
# snnTorch's own default reset is tried as well: the file does not tell it from the other.
TUNING = 10  # epochs
KEPT = ("run", "frames", "spikes_compared", "mismatches", "cycles_predicted_equal")
CASES = (("snntorch", "zero"), ("snntorch", "subtract"), ("norse", "zero"), ("spikingjelly", "zero"))


def measure(
    framework: str, reset: str, data: Data, work: Path, *, epochs: int, frames: int, simulator: str
) -> dict[str, Any]:
    """Train, import, emit and simulate one network; the figures, JSON-ready."""
    network = others.train(
        framework, WIDTHS, data.calibration.spikes, data.calibration.labels, epochs=epochs, reset=reset
    )
    others.write_nir(framework, network, WIDTHS[0], work / "net.nir")
    reading = "subtract-delayed" if reset == "subtract" else reset
    options = ImportOptions(framework, reset=reading, finetune=True, epochs=TUNING, progress=False)
    config = load_config(str(others.CONFIG))
    integer, table, _ = import_graph(read_graph(work / "net.nir"), framework, config, options, {})
    plan = make_plan(integer)
    emit(plan, work / "rtl")
    spikes = data.test.spikes[:, :frames]
    runs = simulate(plan, work / "rtl", spikes, work / "sim", simulator=simulator)["runs"]
    return {
        "framework": framework,
        "version": version(framework),
        "reset": reset,
        "accuracy": table["rungs"][0]["accuracy"],
        "drift": table,
        "runs": [{key: row.get(key) for key in KEPT} for row in runs],
    }


def fresh_exports(data: Data, cases: Sequence[tuple], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the networks in exports.py, on the same frames as the trained ones.

    Those of frameworks that are not installed stay as they were, after the others.
    """
    calibration, spikes = (frames.spikes[:, :EXPORT_FRAMES] for frames in (data.calibration, data.test))
    rows = []
    for case in tqdm(cases, desc="exports", unit="network"):
        with tempfile.TemporaryDirectory() as work:
            rows.append(exports.measure(case, calibration, spikes, EXPORT_WIDTHS, Path(work)))
    return kept_rows(rows, before)


def kept_rows(fresh: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fresh rows, and those from `before` of frameworks that have none, in the order of exports.CASES."""
    measured = {row["framework"] for row in fresh}
    order = list(dict.fromkeys(exports.framework_of(case[0]) for case in exports.CASES))
    rows = fresh + [row for row in before if row["framework"] in order and row["framework"] not in measured]
    return sorted(rows, key=lambda row: order.index(row["framework"]))


def written(key: str) -> list[dict[str, Any]]:
    """The rows of the last time."""
    return json.loads(RESULTS.read_text()).get(key, []) if RESULTS.is_file() else []


def files_of_others() -> list[dict[str, Any]]:
    """Rows of paper_files.py, or those of the last time where the files are not there."""
    path = paper_files.archive()
    if path is None:
        return written("files")
    with tempfile.TemporaryDirectory() as work:
        return paper_files.measure(path, Path(work))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=8, help="of training in each framework")
    parser.add_argument("--frames", type=int, default=60, help="test images through the RTL")
    parser.add_argument("--simulator", default="verilator", choices=SIMULATORS)
    parser.add_argument(
        "--exports-of", metavar="NAME", help="measure the fresh exports of one framework and nothing else"
    )
    parser.add_argument(
        "--files", action="store_true", help="measure the files of other people and nothing else"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.files:
        write_json(RESULTS, json.loads(RESULTS.read_text()) | {"files": files_of_others()})
        return
    config = load_config(str(others.CONFIG))
    data = dataset_frames(config)
    cases = exports.installed()
    if options.exports_of:
        cases = [case for case in cases if exports.framework_of(case[0]) == options.exports_of]
        if not cases:
            parser.error(f"--exports-of {options.exports_of}: no such framework, or it is not installed")
    fresh = fresh_exports(data, cases, written("exports"))
    if options.exports_of:
        write_json(RESULTS, json.loads(RESULTS.read_text()) | {"exports": fresh})
        return
    files = files_of_others()
    rows = []
    for framework, reset in tqdm(CASES, unit="network"):
        with tempfile.TemporaryDirectory() as work:
            rows.append(
                measure(
                    framework,
                    reset,
                    data,
                    Path(work),
                    epochs=options.epochs,
                    frames=options.frames,
                    simulator=options.simulator,
                )
            )
        write_json(
            RESULTS,
            {
                "widths": list(WIDTHS),
                "timesteps": config.timesteps,
                "decay": others.DECAY,
                "epochs": options.epochs,
                "tuning_epochs": TUNING,
                "networks": rows,
                "exports": fresh,
                "files": files,
                "versions": {name: version(name) for name in ("twinspike", "torch", "nir", "nirtorch")},
            },
        )


if __name__ == "__main__":
    main()
