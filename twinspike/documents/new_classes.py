"""What docs/study.md says of new classes, from results/oneshot.json."""

from typing import Any

from .tables import NOT_YET, Figures, table

Row = dict[str, Any]
# Tasks of results/oneshot.json with their titles; what they are of in brackets.
_TASKS = {
    "standard": "Omniglot, 20-way 1-shot, the 20 standard runs (one alphabet each)",
    "standard_copies": "the same, each drawing enrolled with {copies} distorted copies of it "
    "(`enrol --copies {copies}`)",
    "5_way_1_shot": "Omniglot, 5-way 1-shot",
    "5_way_5_shot": "Omniglot, 5-way 5-shot",
    "20_way_1_shot": "Omniglot, 20-way 1-shot",
    "20_way_5_shot": "Omniglot, 20-way 5-shot",
    "5_way_1_shot_one_alphabet": "Omniglot, 5-way 1-shot within one alphabet",
    "5_way_5_shot_one_alphabet": "Omniglot, 5-way 5-shot within one alphabet",
    "20_way_1_shot_one_alphabet": "Omniglot, 20-way 1-shot within one alphabet",
    "20_way_5_shot_one_alphabet": "Omniglot, 20-way 5-shot within one alphabet",
    "digits_1": "MNIST, 10-way 1-shot",
    "digits_5": "MNIST, 10-way 5-shot",
}
OMNIGLOT, SMALL, PIXELS = "omniglot-conv", "omniglot-small", "pixels"


def one_shot(figures: Figures, where: str) -> str:
    """New characters and digits by networks that saw only Omniglot's background, beside published ones."""
    found = figures.studies.get("oneshot")
    if found is None:
        return NOT_YET
    spaces = [name for name in (OMNIGLOT, SMALL, PIXELS) if name in found["omniglot"]]

    def share(task: str, space: str) -> str:
        if task.startswith("digits"):
            row = found["digits"][space]["ten_way"][(1, 5).index(int(task[-1]))]
        else:
            row = found["omniglot"][space][task]
        return _share(row)

    copies = found["omniglot"][PIXELS]["standard_copies"]["copies"]
    rows = [
        [title.format(copies=copies), *(share(task, space) for space in spaces), _published(figures, task)]
        for task, title in _TASKS.items()
    ]
    ours = [name for name in spaces if name != PIXELS]
    heads = [f"`{name}`: {_size(found['networks'][name])}" for name in ours]
    said = [
        f"`{name}` {verify['eer']:.1%}, ROC AUC {verify['roc_auc']:.4f}"
        for name in ours
        for verify in [found["omniglot"][name]["verification"]]
    ]
    pairs = found["omniglot"][ours[0]]["verification"]["pairs"]
    return table(("right", *heads, "raw pixels, the same draws", "published"), rows) + (
        f"\nSame character or another, {pairs:,} pairs of drawings of all evaluation alphabets, equal error "
        f"rate: {'; '.join(said)}.\n"
    )


def _size(network: Row) -> str:
    shape = ", ".join(network["layers"])
    return f"{shape}, T = {network['timesteps']}, {network['weight_bits']}-bit weights"


def _share(row: Row) -> str:
    return f"{row['mean']:.1%} ± {row['std']:.1%}"


def _published(figures: Figures, task: str) -> str:
    return "; ".join(
        f"{peer['accuracy']:.1%} ({peer['design']}, [{peer['by']}, {peer['year']}]({peer['source']}))"
        for peer in figures.peers["one_shot"]
        if peer["task"] == task
    )


_SPACES = {
    OMNIGLOT: f"`{OMNIGLOT}`, which saw no digit",
    SMALL: f"`{SMALL}`, which saw no digit",
    "mnist-enrol": "`mnist-enrol`, which saw 0 to 6 and characters",
    "mnist-0-6": "`mnist-0-6`, which saw 0 to 6",
    PIXELS: "raw pixels",
}
_RECORDINGS = {
    "nmnist-0-6": "N-MNIST: 7, 8 and 9 beside 0 to 6",
    "keywords-0-6": "Arabic words: the last three of ten beside seven",
}


def enrolment(figures: Figures, where: str) -> str:
    """Digits 7 to 9 enrolled by a few examples beside references of 0 to 6."""
    found = figures.studies.get("oneshot")
    if found is None:
        return NOT_YET
    rows = [
        [title, *cells]
        for space, title in _SPACES.items()
        if space in found["digits"]
        for cells in _enrolled(found["digits"][space])
    ]
    head = ("", "examples of each new digit", "right among the new digits", "right among all ten digits")
    return table(head, rows)


def recorded_enrolment(figures: Figures, where: str) -> str:
    """Event recordings and spoken words of three classes enrolled beside those of seven."""
    found = figures.studies.get("oneshot", {}).get("recordings")
    if not found:
        return NOT_YET
    rows = [
        [title, which, f"{part['asked']:,}", *cells, f"{part['unknown']['own_thresholds']['auroc']:.4f}"]
        for name, title in _RECORDINGS.items()
        if name in found
        for space, which in ((name, f"`{name}`"), (PIXELS, "raw spikes"))
        for part in [found[name][space]]
        for cells in _enrolled(part)
    ]
    return table(
        (
            "",
            "by",
            "test recordings, of all ten",
            "examples of each new class",
            "right among the new classes",
            "right among all ten",
            "AUROC of unknown, before",
        ),
        rows,
    )


def _enrolled(part: Row) -> list[list[str]]:
    """Cells of each number of examples: right among the new classes, and among all."""
    return [[str(row["examples"]), _share(row["new"]), _share(row["all"])] for row in part["enrolment"]]


def unknown(figures: Figures, where: str) -> str:
    """How well digits 7 to 9 are told from 0 to 6 while they are not enrolled."""
    found = figures.studies.get("oneshot")
    if found is None:
        return NOT_YET
    rows = []
    for space, title in _SPACES.items():
        if space not in found["digits"]:
            continue
        for kind, name in (("own_thresholds", "a threshold each"), ("one_threshold", "one for all")):
            row = found["digits"][space]["unknown"][kind]
            shares = (row["false_accepts_at_95"], row["true_accepts"], row["false_accepts"])
            rows.append([title, name, f"{row['auroc']:.4f}", *(f"{share:.1%}" for share in shares)])
    head = (
        "",
        "thresholds",
        "AUROC",
        "7 to 9 accepted where 95 % of 0 to 6 are",
        "0 to 6 accepted as they are",
        "7 to 9 accepted as they are",
    )
    return table(head, rows)
