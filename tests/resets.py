"""Every shipped core in others' tools (``make reset-test``): defined after its reset in Icarus, which knows
undefined values, and clean in Verilator's lint.

The benches of an IP package leave every input undefined until the reset, the reset too, and compare what
comes with the golden model. Here they run with a clock that begins low and with one that begins high, as
cocotb's does: that one has an edge at time 0, before anything has been evaluated.
"""

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import Any

from support.lint import EVERYTHING, lint
from tqdm import tqdm

import twinspike as ts
from twinspike.hw.tools.toolchain import find_icarus, find_verilator
from twinspike.numerics.files import write_json

STARTS = (0, 1)
_PASSED = re.compile(r"(\d+) results, (\d+) words of spikes, (\d+) differences")


def shipped() -> list[str]:
    """Names of the configurations that a trained network comes with."""
    entries = resources.files("twinspike.pretrained").iterdir()
    return sorted(e.name for e in entries if e.joinpath("network.safetensors").is_file())


def bench_names(package: Path) -> list[str]:
    """The benches that a package has."""
    return re.search(r"^BENCHES := (.+)$", (package / "tb/Makefile").read_text(), re.MULTILINE)[1].split()


def run_bench(package: Path, bench: str, start: int) -> dict[str, Any]:
    """What a bench of a package said: results and words compared, differences, and whether it passed."""
    begin = time.monotonic()
    done = subprocess.run(
        ["make", "-C", str(package / "tb"), bench, f"START={start}", "SIM=icarus"],
        capture_output=True,
        text=True,
        check=False,
        env=find_icarus().env(),
    )
    said = [tuple(map(int, found)) for found in _PASSED.findall(done.stdout)]
    row = {
        "results": sum(results for results, _, _ in said),
        "words": sum(words for _, words, _ in said),
        "differences": sum(differences for _, _, differences in said),
        "passed": done.returncode == 0 and "PASS\n" in done.stdout,
        "seconds": round(time.monotonic() - begin, 1),
    }
    if not row["passed"]:
        print(
            f"{package}, {bench}, clock from {start}:\n{(done.stdout + done.stderr)[-2000:]}", file=sys.stderr
        )
    return row


def measure(name: str, frames: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of a configuration: a bench and a level that the clock begins at each, and a top's lint each."""
    with tempfile.TemporaryDirectory() as work:
        package = Path(work) / name
        with contextlib.redirect_stdout(io.StringIO()):
            ts.load(name, out=f"{work}/build").core().package(package, frames=frames)
        rows = [
            {"configuration": name, "bench": bench, "clock_starts": start} | run_bench(package, bench, start)
            for bench in bench_names(package)
            for start in STARTS
        ]
        lints: list[dict[str, Any]] = []
        for top in json.loads((package / "ip.json").read_text())["tops"]:
            usual, all_of_it = lint(package / "rtl", top), lint(package / "rtl", top, *EVERYTHING)
            print(usual + all_of_it, end="", file=sys.stderr)
            lints.append({"configuration": name, "top": top, "usual": not usual, "all": not all_of_it})
    return rows, lints


def main() -> int:
    parser = argparse.ArgumentParser(prog="resets", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        help="this configuration; the others' rows stay (default: every shipped one)",
    )
    parser.add_argument("--frames", type=int, default=1, help="test images for each (default: 1)")
    parser.add_argument("--json", type=Path, help="where to write what was seen")
    options = parser.parse_args()
    names = options.only or shipped()
    table: dict[str, list[dict[str, Any]]] = {"benches": [], "lints": []}
    if options.only and options.json and options.json.is_file():
        found = json.loads(options.json.read_text())
        table = {key: [row for row in found[key] if row["configuration"] not in names] for key in table}
    tools = {"simulator": find_icarus(), "lint": find_verilator()}
    said = {key: f"{tool.name} {tool.version}" for key, tool in tools.items()}
    good = True
    for name in tqdm(names, desc="resets", disable=None):
        rows, lints = measure(name, options.frames)
        for key, new in (("benches", rows), ("lints", lints)):
            table[key] = sorted([*table[key], *new], key=lambda row: str(row["configuration"]))
        if options.json:
            write_json(options.json, table | said | {"frames": options.frames})
        failed = sum(not row["passed"] for row in rows)
        dirty = sum(not (row["usual"] and row["all"]) for row in lints)
        good = good and not failed and not dirty
        print(
            f"{name}: {len(rows)} runs, {failed} failed, {sum(r['results'] for r in rows)} results; "
            f"lint of {len(lints)} modules, {dirty} not clean",
            flush=True,
        )
    return 0 if good else 1


if __name__ == "__main__":
    os.environ.pop("SIM", None)
    sys.exit(main())
