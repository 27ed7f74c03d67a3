"""Earth Mover's Distance of spike trains, nearest reference and median reference (integers).

For trains of equal spike count this is the Wasserstein-1 distance on the line, which equals the
L1 distance of cumulative counts (Villani, *Topics in Optimal Transportation*, 2003, section 2.2);
surplus spikes are moved to the end of the window.
"""

import numpy as np

# The runner-up's distance when there is only one reference: no second candidate exists.
NO_RUNNER_UP = 0xFFFF_FFFF


def cumulative_counts(spikes: np.ndarray) -> np.ndarray:
    """C_n(t): spikes [T, ..., N] (0/1) -> int32 counts of the same shape, inclusive of step t."""
    return np.cumsum(spikes, axis=0, dtype=np.int32)


def emd(counts_a: np.ndarray, counts_b: np.ndarray) -> np.ndarray:
    """EMD between count tables [T, ..., N] (broadcast over the middle axes) -> int64 [...]."""
    difference = counts_a.astype(np.int64) - counts_b.astype(np.int64)
    return np.abs(difference).sum(axis=(0, -1))


def distances(counts: np.ndarray, references: np.ndarray) -> np.ndarray:
    """EMD of every frame to every reference: counts [T, B, N], references [K, T, N] -> int64 [B, K]."""
    out = np.empty((counts.shape[1], references.shape[0]), dtype=np.int64)
    for k, reference in enumerate(references):
        out[:, k] = emd(counts, reference[:, None, :])
    return out


def median_reference(counts: np.ndarray) -> np.ndarray:
    """Element-wise lower median over examples: counts [T, B, N] -> uint8 [T, N].

    The median minimises the summed L1 distance to the examples, so it is their best single
    reference. The lower median of integers is an integer and keeps "grows by 0 or 1 a step".
    """
    middle = (counts.shape[1] - 1) // 2
    return np.partition(counts, middle, axis=1)[:, middle].astype(np.uint8)


def nearest(distance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index of the nearest reference, its distance and the runner-up's: [B, K] -> three int64 [B].

    A tie goes to the lower index. The runner-up is the second nearest *reference*, whatever its
    label; with one reference it is NO_RUNNER_UP.
    """
    index = distance.argmin(axis=1)
    best = distance.min(axis=1)
    if distance.shape[1] == 1:
        return index, best, np.full_like(best, NO_RUNNER_UP)
    return index, best, np.partition(distance, 1, axis=1)[:, 1]
