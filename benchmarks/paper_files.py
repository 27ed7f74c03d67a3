"""NIR files of other people: what their import gives, against what simulators recorded, or why it is refused.

The files are those of the NIR paper (Pedersen et al., 2024), a tar file in the folder `nir-paper` of
$TWINSPIKE_DATA. Of one of them the paper has an input train and the output spikes of eleven simulators. Its
network for N-MNIST answers recordings of that data set (paper_digits.py).
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import paper_digits
from exports import WEIGHT_BITS, layer_rows

from twinspike.numerics.errors import TwinspikeError
from twinspike.quant.nir_file import read_graph
from twinspike.quant.nir_import import float_layers, round_network, run_layers
from twinspike.quant.time_unit import time_unit

ARCHIVE = Path("nir-paper", "nir-paper.tar.xz")
STEPS = 1000
# Columns of the recordings: input, membrane, output.
RECORDINGS = "paper/01_lif/lif_*.csv"


def archive() -> Path | None:
    """The tar file, if the data folder has it."""
    path = Path(os.environ.get("TWINSPIKE_DATA", "")) / ARCHIVE
    return path if path.is_file() else None


def measure(path: Path, work: Path, recordings: int = 100) -> list[dict[str, Any]]:
    """A row a NIR file in the tar file at `path`, unpacked into `work`; JSON-ready.

    `recordings` of N-MNIST are run through the network that is made for them.
    """
    with tarfile.open(path) as tar:
        tar.extractall(work, filter="data")
    recorded = {p.stem.removeprefix("lif_"): _columns(p) for p in sorted(work.glob(RECORDINGS))}
    return [_row(p, work, recorded, recordings) for p in sorted(work.rglob("*.nir"))]


def _columns(path: Path) -> tuple[np.ndarray, np.ndarray]:
    table = np.loadtxt(path, delimiter=",")
    return table[:, 0] != 0, table[:, 2] != 0


def _row(
    path: Path, work: Path, recordings: dict[str, tuple[np.ndarray, np.ndarray]], digits: int
) -> dict[str, Any]:
    row: dict[str, Any] = {"file": path.relative_to(work / "paper").as_posix()}
    try:
        mapped = float_layers(graph := read_graph(path))
    except TwinspikeError as error:
        return row | {"refused": str(error)}
    if mapped[0].inputs == paper_digits.INPUTS and paper_digits.recordings_there():
        return row | paper_digits.measure(graph, digits)
    # What the simulators were given is Norse's file; Rockpool's is what came out of one of them.
    recorded = path.name == "lif_norse.nir"
    given = recordings["exact"][0] if path.name.startswith("lif_") else np.zeros(STEPS, bool)
    spikes = given[:, None, None]
    unit = time_unit(graph, "nir", "zero", None, spikes)
    real = float_layers(graph, dt=unit.dt)
    floats = run_layers(real, spikes)
    row |= {"dt": unit.dt, "steps": len(given), "input_spikes": int(given.sum()), "recorded": {}}
    if recorded:
        row["recorded"] = {
            name: {"spikes": int(out.sum()), "same": bool((out == floats[0][:, 0, 0]).all())}
            for name, (_, out) in recordings.items()
        }
    stages = round_network(real, spikes, WEIGHT_BITS)
    return row | {"layers": layer_rows(floats, floats, stages, spikes)}
