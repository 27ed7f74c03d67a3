"""Tables of the report in which classes meet classes, drawn as shades."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from twinspike.numerics import emd
from twinspike.quant.class_names import label_name

from ..flow.results import Results


@dataclasses.dataclass(frozen=True)
class Matrix:
    """A square table drawn as shades: `shades` in 0..1, `values` as text ("" is left empty).

    `labels`: what its rows and columns are called.
    """

    labels: list[str]
    values: list[list[str]]
    shades: list[list[float]]

    @classmethod
    def of(cls, values: np.ndarray, shades: np.ndarray, labels: list[str]) -> "Matrix":
        text = [[f"{value}" if value else "" for value in row] for row in values.tolist()]
        return cls(labels, text, np.round(shades, 2).tolist())


def matrices(results: Results) -> dict[str, Matrix]:
    """Distances between the references, and the confusion matrix if it was measured."""

    def named(labels: Iterable[int]) -> list[str]:
        return [label_name(results.network, label) for label in labels]

    references = results.network.references
    labels = references.labels.tolist()
    found = {}
    if labels:
        table = emd.distances(references.counts.transpose(1, 0, 2), references.counts)
        # From the nearest pair to the furthest: the differences between classes are what is looked for.
        apart = table[table > 0] if table.any() else np.ones(1)
        shades = np.where(table > 0, 0.08 + 0.82 * (table - apart.min()) / max(1, np.ptp(apart)), 0)
        found["references"] = Matrix.of(table, shades, named(labels))
    if results.metrics and "confusion" in results.metrics:
        counts = np.asarray(results.metrics["confusion"])
        share = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        classes = sorted(set(labels))
        titles = named(classes if len(classes) == len(counts) else range(len(counts)))
        # The root makes errors of a few per cent visible beside the diagonal.
        found["confusion"] = Matrix.of(counts, np.sqrt(share), titles)
    return found
