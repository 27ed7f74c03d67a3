"""What docs/reliability.md is filled with: the outcome of fuzzing, proofs, damaged files and kills."""

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
        rows.append(
            [
                row["family"],
                row["property"],
                row["bound"],
                row["engine"],
                f"{row['seconds']:.1f}",
                verdict,
                f"{refuted} of {len(row['mutants'])}",
            ]
        )
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
        rows.append(
            [
                name,
                f"{loaded + refused + failed:,}",
                f"{loaded:,}",
                f"{refused:,}",
                f"{failed:,}",
            ]
        )
    return table(head, rows)


def kills(figures: Figures, where: str) -> str:
    """Steps killed by SIGKILL, and what they left."""
    found = figures.studies.get("crashes")
    if found is None:
        return NOT_YET
    head = ("step", "killed at a random point", "killed at each point in turn")
    rows = [
        [name, f"{found[name]['random']:,}", f"{found[name].get('before_file_operations', 0):,}"]
        for name in ("train", "study", "export", "rtl")
        if name in found
    ]
    return table(head, rows)


def resets(figures: Figures, where: str) -> str:
    """Shipped cores in Icarus, undefined until their reset, and in Verilator's lint."""
    found = figures.studies.get("reset")
    if found is None:
        return NOT_YET
    head = ("configuration", "benches passed", "results compared", "words compared", "modules lint takes")
    rows = []
    for name in sorted({row["configuration"] for row in found["benches"]}):
        benches, lints = (
            [row for row in found[key] if row["configuration"] == name] for key in ("benches", "lints")
        )
        rows.append(
            [
                name,
                f"{sum(row['passed'] for row in benches)} of {len(benches)}",
                f"{sum(row['results'] for row in benches)}",
                f"{sum(row['words'] for row in benches):,}",
                f"{sum(row['usual'] and row['all'] for row in lints)} of {len(lints)}",
            ]
        )
    return table(head, rows)


_MISHAPS = {
    "address_range": "an address that the network has not",
    "duplicate": "an address twice in a step",
    "early_last": "tlast too early",
    "missing_last": "no tlast",
    "tick_flood": "TICKs without end",
    "empty_frame": "a frame without events",
}


def fuzzing(figures: Figures, where: str) -> str:
    """What random networks and streams were compared with the golden model."""
    found = figures.studies.get("fuzz")
    if found is None:
        return NOT_YET
    mishaps = ", ".join(f"{text} {found.get(f'mishap_{key}', 0):,}" for key, text in _MISHAPS.items())
    icarus = found.get("networks_icarus", 0)
    rows = [
        ["networks, of which in Icarus Verilog", f"{found['networks']:,}, {icarus:,}"],
        ["frames, all spikes and results compared", f"{found['frames']:,}"],
        ["spikes compared", f"{found['spikes_compared']:,}"],
        ["frames whose result came in the predicted clock", f"{found['frames_on_time']:,}"],
        ["frames that the scalar interpreter computed too", f"{found['scalar_frames']:,}"],
        [
            "frames of hostile streams, of which damaged",
            f"{found['hostile_frames']:,}, {found['damaged_frames']:,}",
        ],
        ["mishaps", mishaps],
        [
            "resets at a random clock; outputs not taken for up to 5,000 clocks",
            f"{found['resets']:,}; {found['long_holds']:,}",
        ],
    ]
    return table(("compared", "number"), rows)


def coverage(figures: Figures, where: str) -> str:
    """How often each option and range was among the random networks."""
    found = figures.studies.get("fuzz")
    if found is None:
        return NOT_YET
    rows = [
        [f"`{name}`", ", ".join(f"{kind}: {n:,}" for kind, n in sorted(kinds.items(), key=_by_range))]
        for name, kinds in sorted(found["coverage"].items())
    ]
    return table(("option", "networks (or layers) with it"), rows)


def _by_range(item: tuple[str, int]) -> tuple[int, str]:
    start = item[0].split("..")[0]
    return (int(start) if start.isdigit() else 0, item[0])


def netlists(figures: Figures, where: str) -> str:
    """Synthesised cells in simulation against the golden model."""
    found = figures.studies.get("netlist")
    if found is None:
        return NOT_YET
    rows = [
        [
            f"`{config}`",
            row["device"],
            one["run"].replace("_", " "),
            f"{one['frames']:,}",
            f"{one['spikes_compared']:,}",
            f"{one['mismatches']:,}",
        ]
        for config, builds in found.items()
        if config != "provenance"
        for row in builds.values()
        for one in row["runs"]
    ]
    return table(("configuration", "device", "run", "frames", "spikes compared", "differing"), rows)
