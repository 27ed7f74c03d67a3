"""SGL-Thresh: decision thresholds by surrogate gradient, of multi-label scores and of our own references."""

import dataclasses
import json
from functools import partial
from typing import Any

import numpy as np

from twinspike.config import load_config
from twinspike.executor import Workplace
from twinspike.flow.folders import pretrained
from twinspike.model.data.load import config_dataset
from twinspike.model.data.multilabel import archive_checksum, load_multilabel
from twinspike.model.outcome import thresholds
from twinspike.quant.network_file import load_network

from ..runs import data_checksums
from .cores import core_figures, core_goal
from .method import Goal, Method, Part, Row

SETS = ("emotions", "birds", "scene", "yeast")
SEEDS = (1, 2, 3, 4, 5)
FOLDS, HIDDEN, PASSES, DECAY = 5, 64, 100, 1e-2
NETWORKS = ("mnist", "fashion")
# Training images by which thresholds are chosen.
CHOSEN_ON = 20_000
CHOICES = {
    "0.5": lambda scores, labels, average: np.full(scores.shape[1], 0.5),
    "one for all": thresholds.one_for_all,
    "numerical gradient": thresholds.by_differences,
    "surrogate gradient": thresholds.by_bagging,
}


def multilabel(place: Workplace, name: str) -> Row:
    """F1 on the test rows of a set with each choice of thresholds, a value a seed of the perceptron.

    Thresholds are chosen by cross-validated scores of the training rows; the test rows' are those of a
    perceptron that all training rows taught.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import KFold
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_multilabel(name)
    found: dict[str, dict[str, list[float]]] = {a: {c: [] for c in CHOICES} for a in thresholds.AVERAGES}
    for seed in SEEDS:

        def scores(x: np.ndarray, labels: np.ndarray, of: np.ndarray, seed: int = seed) -> np.ndarray:
            perceptron = MLPClassifier((HIDDEN,), alpha=DECAY, max_iter=PASSES, random_state=seed)
            with warnings.catch_warnings():  # that it is stopped before it has converged is meant
                warnings.simplefilter("ignore", ConvergenceWarning)
                return make_pipeline(StandardScaler(), perceptron).fit(x, labels).predict_proba(of)

        own = np.zeros(data.train_labels.shape)
        for rest, part in KFold(FOLDS, shuffle=True, random_state=seed).split(data.train):
            own[part] = scores(data.train[rest], data.train_labels[rest], data.train[part])
        held = scores(data.train, data.train_labels, data.test)
        for average, choices in found.items():
            for choice, values in choices.items():
                limits = CHOICES[choice](own, data.train_labels, average)
                values.append(thresholds.f1(held >= limits, data.test_labels, average))
    rows, labels = len(data.test), data.train_labels.shape[1]
    return {"train": len(data.train), "test": rows, "labels": labels, "f1": found}


def verification(place: Workplace, name: str) -> Row:
    """Same or different by one threshold, by fitted ones and by the surrogate gradient's; and the core.

    `eer` is that of distances from which each reference's own threshold is taken.
    """
    from twinspike.model.outcome.evaluation import embed, equal_error, own_thresholds
    from twinspike.numerics import emd

    config = load_config(name)
    folder = pretrained(config)
    assert folder is not None
    network, dataset = load_network(folder / "network.safetensors"), config_dataset(config, progress=False)
    references = network.references

    def distances(images: np.ndarray) -> np.ndarray:
        return emd.distances(embed(network, images, progress=False).counts, references.counts)

    labels = dataset.train_labels[:CHOSEN_ON]
    seen, held = distances(dataset.train_images[:CHOSEN_ON]), distances(dataset.test_images)
    _, one = equal_error(seen.ravel(), (labels[:, None] == references.labels).ravel())
    chosen = {
        "one, equal errors": np.full(len(references.labels), one),
        "each, fitted": own_thresholds(seen, labels, references.labels),
        "each, surrogate gradient": thresholds.surrogate_distances(seen, labels, references.labels),
    }
    same = dataset.test_labels[:, None] == references.labels
    found: dict[str, Any] = {}
    for what, limits in chosen.items():
        given = held <= limits
        further = held - limits
        eer, _ = equal_error((further - further.min()).ravel(), same.ravel())
        found[what] = {
            "thresholds": limits.tolist(),
            **{average: thresholds.f1(given, same, average) for average in thresholds.AVERAGES},
            "false_accept": float(given[~same].mean()),
            "false_reject": float((~given[same]).mean()),
            "eer": eer,
        }
    limits = chosen["each, surrogate gradient"].astype(np.int32)
    own = dataclasses.replace(network, references=dataclasses.replace(references, threshold=limits))
    return {
        "chosen_on": len(labels),
        "test": len(held),
        "choices": found,
        "core": core_figures(place, config, own, dataset.test_images),
    }


def _network_files(name: str) -> Any:
    folder = pretrained(load_config(name))
    assert folder is not None
    hashes = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["network_hash"]
    return [hashes, data_checksums(load_config(name))]


def goals(parts: dict[str, Row]) -> list[Goal]:
    found = []
    for name in SETS:
        for average, choices in parts[name]["f1"].items():
            means = {choice: float(np.mean(values)) for choice, values in choices.items()}
            mine = means.pop("surrogate gradient")
            best = max(means, key=lambda choice: means[choice])
            found.append(
                Goal(
                    f"{name}, {average}-F1",
                    f"{mine:.4f}",
                    f"above {means[best]:.4f}, the best of the others ({best})",
                    mine > means[best],
                )
            )
    for name in NETWORKS:
        choices = parts[f"verification {name}"]["choices"]
        eer, usual = choices["each, surrogate gradient"]["eer"], choices["one, equal errors"]["eer"]
        found.append(
            Goal(
                f"`{name}`, equal error rate of verification",
                f"{eer:.4f}",
                f"below {usual:.4f}, one threshold",
                eer < usual,
            )
        )
        core = parts[f"verification {name}"]["core"]
        found.append(core_goal(core, what=f"`{name}`, core in simulation"))
    return found


METHOD = Method(
    name="sgl-thresh",
    title="Decision thresholds by surrogate gradient learning of F1",
    arxiv=("2103.00833",),
    implemented="thresholds of labels by the gradient of micro- or macro-F1 in which the step has a "
    "sigmoid's slope, whose steepness learns as well; the three choices it is compared with; the same for "
    "distances, as decision thresholds of references (`training.threshold_choice`)",
    missing="the paper's heuristic search; its networks for audio and their scores",
    data="emotions, birds, scene, yeast (Mulan's splits; a perceptron gives the scores); test images of "
    "MNIST and Fashion-MNIST with the networks that ship",
    paper_figure="micro-F1 0.549 on AudioSet's evaluation part (527 labels), 0.507 at 0.5",
    parts=(
        *(Part(name, multilabel, (name,), archive_checksum) for name in SETS),
        *(
            Part(f"verification {name}", verification, (name,), partial(_network_files, name))
            for name in NETWORKS
        ),
    ),
    goals=goals,
    ties="gives a label where the score is above the threshold, not at it",
)
