"""Splitting samples into those that train and those that measure, the same way on every machine."""

import hashlib

import numpy as np

from ...numerics.errors import TwinspikeError


def test_part(
    labels: np.ndarray, groups: np.ndarray | None, share: float, seed: int, where: object
) -> np.ndarray:
    """bool [N]: which samples measure.

    About `share` of each class, drawn by `seed`; with `groups` [N] whole groups, never a part of one, until
    the share is reached. Raises TwinspikeError where a class or a group stands alone.
    """
    rng = np.random.default_rng(seed)
    if groups is not None:
        return _whole_groups(groups, share, rng, where)
    found = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        if len(own) < 2:
            raise TwinspikeError(
                f"{where}: class {label} has {len(own)} sample: 2 are needed, one to train and one to measure"
            )
        found[own[: min(len(own) - 1, max(1, round(len(own) * share)))]] = True
    return found


def _whole_groups(groups: np.ndarray, share: float, rng: np.random.Generator, where: object) -> np.ndarray:
    names, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise TwinspikeError(
            f"{where}: data.group finds one group only, {names[0]!r}: two or more are needed to split by"
        )
    chosen: list[int] = []
    wanted = share * len(groups)
    for group in rng.permutation(len(names))[:-1]:
        if chosen and counts[chosen].sum() + counts[group] / 2 > wanted:
            break
        chosen.append(int(group))
    return np.isin(index, chosen)


def digest(arrays: dict[str, np.ndarray]) -> str:
    """SHA-256 of named arrays, whatever file holds them."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f"{name} {array.dtype} {array.shape}\0".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
