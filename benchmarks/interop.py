"""The same network trained in three frameworks, each imported, fine-tuned, emitted and simulated.

    python benchmarks/interop.py [--epochs 8] [--frames 60]      (make interop)

Writes results/interop.json, which docs/interop.md is filled from.
"""

from __future__ import annotations

import argparse
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import others
import torch
from tqdm import tqdm

from twinspike.config import load_config
from twinspike.flow.exchange import ImportOptions, import_graph
from twinspike.hw.emit.emit import emit
from twinspike.hw.plan import make_plan
from twinspike.model.drift import predictions
from twinspike.model.frames import Data, dataset_frames
from twinspike.numerics.files import write_json
from twinspike.quant.nir_file import read_graph
from twinspike.sim.bench.runner import simulate
from twinspike.sim.bench.simulators import SIMULATORS

RESULTS = Path(__file__).parent.parent / "results" / "interop.json"
WIDTHS = (64, 96, 10)
# snnTorch's own default reset is tried as well: the file does not tell it from the other.
TUNING = 10  # epochs
KEPT = ("run", "frames", "spikes_compared", "mismatches", "cycles_predicted_equal")
CASES = (("snntorch", "zero"), ("snntorch", "subtract"), ("norse", "zero"), ("spikingjelly", "zero"))


def measure(
    framework: str, reset: str, data: Data, work: Path, *, epochs: int, frames: int, simulator: str
) -> dict[str, Any]:  # fmt: skip
    """Train, import, emit and simulate one network; the figures, JSON-ready."""
    network = others.train(
        framework, WIDTHS, data.calibration.spikes, data.calibration.labels, epochs=epochs, reset=reset
    )
    original = others.trains(framework, network, data.test.spikes)
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
        "accuracy": float((predictions(original[-1]) == data.test.labels).mean()),
        "drift": table,
        "runs": [{key: row.get(key) for key in KEPT} for row in runs],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=8, help="of training in each framework")
    parser.add_argument("--frames", type=int, default=60, help="test images through the RTL")
    parser.add_argument("--simulator", default="verilator", choices=SIMULATORS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    config = load_config(str(others.CONFIG))
    data = dataset_frames(config)
    rows = []
    for framework, reset in tqdm(CASES, unit="network"):
        with tempfile.TemporaryDirectory() as work:
            rows.append(
                measure(
                    framework, reset, data, Path(work),
                    epochs=options.epochs, frames=options.frames, simulator=options.simulator,
                )
            )  # fmt: skip
        write_json(RESULTS, {
            "widths": list(WIDTHS), "timesteps": config.timesteps, "decay": others.DECAY,
            "epochs": options.epochs, "tuning_epochs": TUNING, "networks": rows,
            "versions": {name: version(name) for name in ("twinspike", "torch", "nir", "nirtorch")},
        })  # fmt: skip


if __name__ == "__main__":
    main()
