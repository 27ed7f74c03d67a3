"""Block matching: the disparity at which two cameras' events around a pixel differ least."""

import numpy as np


def block_matching(left: np.ndarray, right: np.ndarray, most: int, window: int) -> np.ndarray:
    """Disparities int64 [H, W], 0..`most` pixels, of features [H, W, F] of both cameras.

    Absolute differences are added up over features and squares of `window` pixels a side, whose border
    repeats; a tie goes to the smaller disparity. Places whose match would be left of the picture do not
    count.
    """
    from scipy import ndimage

    width = left.shape[1]
    costs = np.full((most + 1, *left.shape[:2]), np.inf)
    for disparity in range(most + 1):
        differences = np.abs(left[:, disparity:] - right[:, : width - disparity]).sum(axis=-1, dtype=float)
        costs[disparity, :, disparity:] = ndimage.uniform_filter(differences, window, mode="nearest")
    # Sums of equal integers may differ by a rounding.
    return costs.round(9).argmin(axis=0)
