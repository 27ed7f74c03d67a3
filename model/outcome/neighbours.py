"""k nearest neighbours under the EMD, exact and quick enough for ten thousand against ten thousand."""

import numpy as np
from scipy.spatial.distance import cdist

from ...numerics.progress import Bar

MOST = 10_000
WORK = 2.5e11  # multiply-adds that a search may cost: some seconds on two cores


def subset_size(queries: int, counts: np.ndarray) -> int:
    """How many stored examples a search can afford: 10,000, fewer for very long or busy trains."""
    columns = counts.shape[0] * counts.shape[2] * max(1, int(counts.max(initial=0)))
    return int(min(MOST, max(500, WORK / (queries * columns))))


def nearest_labels(
    queries: np.ndarray, stored: np.ndarray, labels: np.ndarray, *, k: int, progress: bool = True
) -> np.ndarray:
    """Majority label of the k nearest stored examples by EMD; counts [T, B, N], [T, M, N] -> int64 [B].

    Among equal distances the lower index is nearer; among equal votes the lowest label wins.
    """
    k = min(k, len(labels))
    levels = int(max(queries.max(initial=0), stored.max(initial=0)))
    code, size = _thermometer(stored, levels)
    out = np.empty(queries.shape[1], dtype=np.int64)
    classes = np.arange(labels.max() + 1)
    with Bar(total=len(out), desc="neighbours", unit="image", disable=not progress) as bar:
        for start in range(0, len(out), 500):
            part = slice(start, start + 500)
            query, query_size = _thermometer(queries[:, part], levels)
            distance = (query_size[:, None] + size[None] - 2 * (query @ code.T)).astype(np.int64)
            # Distance and index in one key: the k smallest keys are the nearest, ties settled.
            key = distance * len(labels) + np.arange(len(labels))
            near = labels[np.partition(key, k - 1, axis=1)[:, :k] % len(labels)]
            out[part] = (near[:, :, None] == classes).sum(axis=1).argmax(axis=1)
            bar.update(len(query))
    return out


def nearest_by_sums(queries: np.ndarray, stored: np.ndarray, labels: np.ndarray, *, k: int) -> np.ndarray:
    """As :func:`nearest_labels` by the L1 distance of integers [B, N] and [M, N]."""
    k, classes = min(k, len(labels)), np.arange(labels.max() + 1)
    out = np.empty(len(queries), dtype=np.int64)
    for start in range(0, len(out), 500):
        part = slice(start, start + 500)
        distance = cdist(queries[part], stored, "cityblock").astype(np.int64)
        key = distance * len(labels) + np.arange(len(labels))
        near = labels[np.partition(key, k - 1, axis=1)[:, :k] % len(labels)]
        out[part] = (near[:, :, None] == classes).sum(axis=1).argmax(axis=1)
    return out


def _thermometer(counts: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes float32 [B, levels * T * N] with (count >= level) in each column, and their sums.

    The L1 distance of counts is the Hamming distance of these codes, |a| + |b| - 2 a.b, which is
    one matrix product; float32 holds it exactly, as the sums stay below 2^24.
    """
    rows = counts.transpose(1, 0, 2).reshape(counts.shape[1], -1)
    code = np.concatenate([rows >= level for level in range(1, levels + 1)] or [rows[:, :0]], axis=1)
    return code.astype(np.float32), code.sum(axis=1).astype(np.float32)
