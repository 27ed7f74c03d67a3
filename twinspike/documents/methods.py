"""What docs/methods.md is filled with: results/reproduce.json, and what each method says of itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..study.methods.method import Method
from ..study.methods.registry import METHODS
from .tables import Figures, network_size, run_cells, table_or_gap

STUDY = "reproduce"


def methods(figures: Figures, where: str) -> str:
    """Every method that has been measured: paper, what of it is here, both figures, the core, the verdict."""
    head = (
        "method",
        "paper",
        "implemented",
        "not implemented",
        "data used here",
        "the paper's figure",
        "ours, each beside what was wanted",
        "control",
        "core",
        "verdict",
    )
    rows = []
    for method, row in _measured(figures):
        cores = [found for part in row["parts"].values() for found in _cores(part)]
        rows.append(
            [
                f"`{method.name}`: {method.title}",
                ", ".join(f"[{number}](https://arxiv.org/abs/{number})" for number in method.arxiv),
                method.implemented,
                method.missing,
                method.data,
                method.paper_figure,
                "<br>".join(f"{goal['what']}: {goal['ours']} ({goal['wanted']})" for goal in row["goals"]),
                _control(row["parts"]) or "see below",
                "<br>".join(map(_core, cores)) or "none",
                _verdict(row["goals"]),
            ]
        )
    return table_or_gap(head, rows)


def method_ties(figures: Figures, where: str) -> str:
    """Whose papers have another rule for ties than the lowest index."""
    rows = [[f"`{method.name}`", method.ties] for method, _ in _measured(figures) if method.ties]
    return table_or_gap(("method", "the paper's rule"), rows)


def method_cores(figures: Figures, where: str) -> str:
    """Each method's cores in simulation, beside the golden model."""
    head = ("method", "part", "run", "images", "spikes compared", "differ", "clocks as predicted")
    rows = []
    for method, row in _measured(figures):
        for name, part in row["parts"].items():
            for core in _cores(part):
                for run in core["sim"]:
                    what = run["run"].replace("_", " ")
                    rows.append([f"`{method.name}`", name, what, *run_cells(run, "image")])
    return table_or_gap(head, rows)


def method_networks(figures: Figures, where: str) -> str:
    """Every network that a method trained: its weights, those that layers share once, and what it reaches."""
    head = (
        "method",
        "network",
        "size",
        "weights",
        "bits of weights",
        "accuracy",
        "ties counted as right",
        "hidden neurons active",
        "passes",
        "CPU minutes to train",
    )
    rows = []
    for method, row in _measured(figures):
        for name, part in row["parts"].items():
            if "weights" in part and "accuracy" in part:
                rows.append(
                    [
                        f"`{method.name}`",
                        name,
                        network_size(part),
                        f"{part['weights']:,}",
                        f"{part['weight_memory_bits']:,}",
                        f"{part['accuracy']:.4f}",
                        _ties(part),
                        f"{part['hidden_activity']:.1%}",
                        f"{part['epochs']}",
                        f"{part['train_cpu_seconds'] / 60:.1f}",
                    ]
                )
    return table_or_gap(head, rows)


def _ties(part: dict[str, Any]) -> str:
    """The accuracy where any of the first outputs may be the right one, and how many images it concerns."""
    right = part.get("accuracy_ties_right")
    return "" if right is None else f"{right:.4f}, {part['ties']:.1%} of images tie"


def method_thresholds(figures: Figures, where: str) -> str:
    """F1 on held-out rows with each choice of thresholds: means over seeds, and the deviation of the last."""
    rows = []
    choices: list[str] = []
    for name, part in _parts(figures, "sgl-thresh").items():
        for average, found in part.get("f1", {}).items():
            choices = list(found)
            spread = np.std(found[choices[-1]], ddof=1)
            rows.append(
                [
                    name,
                    f"{part['train']:,} and {part['test']:,}",
                    str(part["labels"]),
                    average,
                    *(f"{np.mean(values):.4f}" for values in found.values()),
                    f"{spread:.4f}",
                ]
            )
    head = ("set", "rows: training and test", "labels", "F1", *choices, "its deviation over seeds")
    return table_or_gap(head, rows)


def method_verification(figures: Figures, where: str) -> str:
    """Same or different on test images, with each choice of decision thresholds."""
    head = (
        "network",
        "thresholds",
        "micro-F1",
        "macro-F1",
        "others accepted",
        "own rejected",
        "equal error rate",
    )
    rows = []
    for name, part in _parts(figures, "sgl-thresh").items():
        for what, found in part.get("choices", {}).items():
            rows.append(
                [
                    f"`{name.split()[-1]}`",
                    what,
                    f"{found['micro']:.4f}",
                    f"{found['macro']:.4f}",
                    f"{found['false_accept']:.2%}",
                    f"{found['false_reject']:.2%}",
                    f"{found['eer']:.2%}",
                ]
            )
    return table_or_gap(head, rows)


def method_traffic(figures: Figures, where: str) -> str:
    """Accuracy of the networks and of nearest neighbours on the same loads."""
    rows = []
    for name, part in _parts(figures, "traffic").items():
        if "accuracy" in part:
            rows.append(
                [
                    f"network: {name}",
                    network_size(part),
                    f"{part['accuracy']:.4f}",
                    f"{part['hidden_activity']:.1%}",
                ]
            )
        for what, accuracy in part.get("accuracies", {}).items():
            rows.append([what, "", f"{accuracy:.4f}", ""])
    head = ("what", "size", "accuracy", "hidden neurons active")
    return table_or_gap(head, rows)


def method_speech(figures: Figures, where: str) -> str:
    """The networks for spoken words: accuracy, and how often neurons fire."""
    rows = [
        [
            name,
            network_size(part),
            f"{part['accuracy']:.4f}",
            f"{part['rate']:.2%}",
            ", ".join(f"{rate:.1%}" for rate in part["rates"]),
            f"{part['hidden_activity']:.1%}",
            f"{part['train_cpu_seconds'] / 60:.1f}",
        ]
        for name, part in _parts(figures, "speech").items()
    ]
    head = (
        "network",
        "size",
        "accuracy",
        "spikes of a hidden neuron and step",
        "of each layer",
        "hidden neurons that fire in a recording",
        "CPU minutes to train",
    )
    return table_or_gap(head, rows)


def method_stereo(figures: Figures, where: str) -> str:
    """Mean errors of disparity on the held-out pixels, and how often neurons fire."""
    rows = []
    for name, part in _parts(figures, "stereospike").items():
        rates = ", ".join(f"{rate:.1%}" for rate in part["rates"])
        rows.append([f"network: {name}", network_size(part), f"{part['error']:.3f}", rates])
        if "error_matching" in part:
            window = f"{part['window']} x {part['window']} pixels"
            rows.append(
                [f"block matching of event counts, {window}", "", f"{part['error_matching']:.3f}", ""]
            )
            rows.append(["mean disparity of the training halves", "", f"{part['error_constant']:.3f}", ""])
    head = ("what", "size", "mean error, pixels", "spikes of a neuron and step, layer by layer")
    return table_or_gap(head, rows)


def _measured(figures: Figures) -> list[tuple[Method, dict[str, Any]]]:
    rows = figures.studies.get(STUDY, {}).get("methods", [])
    return [(METHODS[row["name"]], row) for row in rows if row["name"] in METHODS]


def _parts(figures: Figures, name: str) -> dict[str, Any]:
    return next((row["parts"] for method, row in _measured(figures) if method.name == name), {})


def _cores(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [part["core"]] if "core" in part else []


def _core(core: dict[str, Any]) -> str:
    cells = f"{core['logic_cells']:,} logic cells and {core['ram_blocks']:,} block RAMs predicted"
    return f"`{core['target']}`: {core['latency']:,.0f} clocks per image (median, alone), {cells}"


def _control(parts: dict[str, Any]) -> str:
    """The same networks trained by the surrogate rule."""
    found = [
        f"{name}: accuracy {part['accuracy']:.4f}"
        for name, part in parts.items()
        if "control" in name and "accuracy" in part
    ]
    return "<br>".join(found)


def _verdict(goals: list[dict[str, Any]]) -> str:
    met = sum(goal["met"] for goal in goals)
    if met == len(goals):
        return "reached"
    missed = "; ".join(goal["what"] for goal in goals if not goal["met"])
    return f"{met} of {len(goals)} reached; not: {missed}"


FILLS = (
    methods,
    method_ties,
    method_cores,
    method_networks,
    method_thresholds,
    method_verification,
    method_traffic,
    method_speech,
    method_stereo,
)
