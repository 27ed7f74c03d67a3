"""The NIR paper's network for N-MNIST as a core: imported, simulated spike by spike, placed and routed.

    python benchmarks/paper_core.py [--folder build/cnn_sinabs] [--frames 10]      (make interop-core)

Needs the folders nir-paper and n-mnist in $TWINSPIKE_DATA. Each step's figures are put into
results/interop_core.json, which docs/interop.md is filled from, as soon as the step has ended: routing takes
longest, and a table without it says so. Steps that were done before are not done again; --collect does none.
"""

from __future__ import annotations

import argparse
import json
import tarfile
from pathlib import Path
from typing import Any

import paper_files
from paper_digits import WEIGHT_BITS

import twinspike as ts
from twinspike.api.cores import Core
from twinspike.config import load_config
from twinspike.flow.exchange import ImportOptions, import_nir
from twinspike.flow.folders import Folders
from twinspike.hw.devices import device
from twinspike.hw.tools.synthesis import pack
from twinspike.numerics.files import write_json
from twinspike.quant.network_file import load_network

RESULTS = Path(__file__).parent.parent / "results" / "interop_core.json"
SETTINGS = Path(__file__).with_name("paper_digits.toml")
FILE = "paper/02_cnn/cnn_sinabs.nir"
TARGET = "ecp5-85k"
PACKED = "packed.json"
# What tells of a rung how far it is from the float network.
COLUMNS = ("rung", "meaning", "layers", "same_prediction", "accuracy")
RUN = ("run", "frames", "spikes_compared", "mismatches", "cycles_predicted_equal")
TAKEN = ("logic_cells", "ram_blocks", "dsp")


def collect(folder: Path, target: str) -> dict[str, Any]:
    """The figures that lie in a build folder; JSON-ready. Steps that it has no results of are left out.

    Simulations and placements of another network than the folder's are left out too.
    """
    place, found = Folders(folder), {"file": FILE.removeprefix("paper/"), "target": target}
    if not place.network.is_file():
        return found
    network = load_network(place.network)
    table = _read(folder / "drift.json")
    if table.get("network_hash") == network.content_hash:
        found |= imported(table)
    sim = _read(place.sim_report(target))
    if sim.get("network_hash") == network.content_hash:
        found["sim"] = [simulated(row) for row in sim["runs"]]
    if (synth := placed(place, target, network.content_hash)) is not None:
        found["synth"] = synth
    return found


def imported(table: dict[str, Any]) -> dict[str, Any]:
    """What a drift table says of the import."""
    rungs = [{key: row[key] for key in COLUMNS} for row in table["rungs"]]
    last, frames = rungs[-1], table["frames"]
    return {
        "network_hash": table["network_hash"],
        "timesteps": table["timesteps"],
        "weight_bits": sorted({layer["weight_bits"] for layer in table["layers"]}),
        "neurons": [layer["neurons"] for layer in table["layers"]],
        "recordings": frames,
        "same_answers": round(last["same_prediction"] * frames),
        "right": {row["rung"]: round(row["accuracy"] * frames) for row in (rungs[0], last)},
        "rungs": rungs,
    }


def simulated(row: dict[str, Any]) -> dict[str, Any]:
    """One run of the simulation: spikes compared, and clocks of a recording where they are measured."""
    measured = row.get("cycles", {})
    cycles = {kind: one["median"] for kind, one in measured.items() if one["values"]}
    return {key: row.get(key) for key in RUN} | {"cycles": cycles}


def placed(place: Folders, target: str, network_hash: str) -> dict[str, Any] | None:
    """What the device is filled by, and the router's clock, a seed each; without that where only packed."""
    synth = _read(place.synth(target) / "synth.json")
    chip = device(target)
    if synth.get("provenance", {}).get("network_hash") == network_hash:
        return {"fmax_mhz": synth["fmax_mhz"]} | {x: [synth[x], synth[f"{x}_available"]] for x in TAKEN}
    packed = _read(place.synth(target) / PACKED)
    if packed.get("network_hash") == network_hash:
        return {x: [packed[x], chip.resources[x][0]] for x in TAKEN}
    return None


def pack_core(core: Core) -> None:
    """Synthesise and pack the core, and note what it takes: routing may be long in coming."""
    out = core.place.synth(core.target)
    used = pack(core.verilog() / "harness.il", "harness", device(core.target), out)
    write_json(out / PACKED, used | {"network_hash": core.net.content_hash})


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.is_file() else {}


def unpacked(folder: Path) -> Path:
    """The NIR file out of the paper's archive, in `folder`."""
    archive = paper_files.archive()
    if archive is None:
        raise SystemExit(f"no {paper_files.ARCHIVE} below $TWINSPIKE_DATA")
    path = folder / Path(FILE).name
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            source = tar.extractfile(FILE)
            assert source is not None
            path.write_bytes(source.read())
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("build", "cnn_sinabs"), help="of the import")
    parser.add_argument("--frames", type=int, default=10, help="recordings through the RTL")
    parser.add_argument("--target", default=TARGET, help="device")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="of the placer")
    parser.add_argument("--jobs", type=int, default=1, help="routers at a time")
    parser.add_argument("--collect", action="store_true", help="only read what the folder has")
    options = parser.parse_args()
    folder, target = options.folder, options.target

    def note() -> dict[str, Any]:
        found = collect(folder, target)
        write_json(RESULTS, found)
        return found

    found = note()
    if not options.collect:
        if "rungs" not in found:
            reading = ImportOptions(weight_bits=WEIGHT_BITS)
            import_nir(unpacked(folder.parent / "paper"), folder, load_config(str(SETTINGS)), reading)
            found = note()
        core = ts.load(folder).core(target)
        if max((run["frames"] for run in found.get("sim", [])), default=0) < options.frames:
            core.simulate(options.frames)
            found = note()
        if "synth" not in found:
            pack_core(core)
            note()
        core.synthesise(options.seeds, jobs=options.jobs)
        note()
    print(f"{RESULTS}: next: twinspike docs fills docs/interop.md from it")


if __name__ == "__main__":
    main()
