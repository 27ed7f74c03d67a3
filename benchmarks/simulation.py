"""Times the simulation of real test images by the compiled bench and by the one under cocotb, side by side.

Both get the same core, images and runs, and build their simulator anew; of it only Verilator's library, the
same for every core, may lie in the cache. All from the encoding to the last comparison counts. CPU time is
that of all processes, so a busy machine does not disturb it much.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from twinspike.config import load_config
from twinspike.flow.folders import GENERIC, find_network, folders
from twinspike.flow.plans import make_plan_for, test_images
from twinspike.hw.emit.emit import emit
from twinspike.numerics.files import write_json
from twinspike.sim.bench.chunks import CHUNK, processors
from twinspike.sim.bench.runner import BENCHES, simulate

CONFIG = "mnist"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=10_000, help="test images (default 10000)")
    parser.add_argument(
        "--only", choices=BENCHES, help="time this bench alone, and print it instead of writing the file"
    )
    parser.add_argument("--out", type=Path, default=Path("results/bench_simulation.json"), help="result file")
    options = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory(prefix="twinspike-benchmark-") as scratch:
        for bench in [options.only] if options.only else BENCHES:
            rows[bench] = measure(bench, options.frames, Path(scratch))
            print(f"{bench}: {rows[bench]}")
    if options.only:
        return
    native, cocotb = rows["native"], rows["cocotb"]
    ratio = {key: round(cocotb[key] / native[key], 2) for key in ("wall_seconds", "cpu_seconds")}
    write_json(
        options.out,
        {
            "config": CONFIG,
            "images": options.frames,
            "chunk": CHUNK,
            "processors": processors(),
            "load_average": os.getloadavg()[0],
            "benches": rows,
            "cocotb_over_native": ratio,
        },
    )
    print(f"{options.out}: written; cocotb over native: {ratio}")


def measure(bench: str, frames: int, scratch: Path) -> dict[str, Any]:
    """Simulate once; raises SystemExit if anything differs, for then its speed means nothing."""
    config, place = load_config(CONFIG), folders(str(scratch), CONFIG)
    network = find_network(place, CONFIG)
    plan = make_plan_for(config, network, GENERIC)
    if not place.rtl(GENERIC).is_dir():
        emit(plan, place.rtl(GENERIC))
    images, _ = test_images(config, network, frames)
    wall, cpu = time.monotonic(), _cpu_seconds()
    rows = simulate(plan, place.rtl(GENERIC), network.encode(images), scratch / bench, bench=bench)["runs"]
    found = {
        "wall_seconds": round(time.monotonic() - wall, 1),
        "cpu_seconds": round(_cpu_seconds() - cpu, 1),
        "spikes_compared": sum(row["spikes_compared"] for row in rows),
        "simulator": rows[0]["simulator"],
    }
    for row in rows:
        if row["mismatches"] or row["faults"] or not row.get("cycles_predicted_equal", True):
            raise SystemExit(
                f"{bench}: run {row['run']} differs from the golden model: {row['first_mismatch']}"
            )
    return found


def _cpu_seconds() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


if __name__ == "__main__":
    main()
