"""What docs/reliability.md is filled with: the outcome of proofs, damaged files and kills."""

from .tables import NOT_YET, Figures, table


def proofs(figures: Figures, where: str) -> str:
    """Every proved property, how far the proof reaches, and the broken variants that it refuted."""
    found = figures.studies.get("formal")
    if found is None:
        return NOT_YET
    head = ("part", "property", "holds in", "engine", "CPU seconds", "verdict", "broken variants refuted")
    rows = []
    for row in found["proofs"]:
        refuted = sum(mutant["verdict"] == "FAIL" for mutant in row["mutants"])
        verdict = "proved" if row["verdict"] == "PASS" else row["verdict"].lower()
        rows.append([
            row["family"], row["property"], row["bound"], row["engine"], f"{row['seconds']:.1f}", verdict,
            f"{refuted} of {len(row['mutants'])}",
        ])  # fmt: skip
    return table(head, rows)


def hostile_files(figures: Figures, where: str) -> str:
    """Damaged files by kind: how many were loaded soundly, how many refused with one line."""
    found = figures.studies.get("fuzz_files")
    if found is None:
        return NOT_YET
    head = ("kind", "files", "loaded", "refused with one line", "anything else")
    rows = []
    for name, counts in found["kinds"].items():
        loaded, refused, failed = (counts.get(key, 0) for key in ("loaded", "refused", "failed"))
        rows.append([
            name, f"{loaded + refused + failed:,}", f"{loaded:,}", f"{refused:,}", f"{failed:,}",
        ])  # fmt: skip
    return table(head, rows)


def kills(figures: Figures, where: str) -> str:
    """Steps killed by SIGKILL, and what they left."""
    found = figures.studies.get("crashes")
    if found is None:
        return NOT_YET
    head = ("step", "killed at a random moment", "killed before a file operation")
    rows = [
        [name, f"{found[name]['random']:,}", f"{found[name].get('before_file_operations', 0):,}"]
        for name in ("train", "export", "rtl")
    ]
    return table(head, rows)
