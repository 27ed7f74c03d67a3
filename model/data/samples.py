"""Samples of one part of a dataset, as readers give them: labels are names still."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """`part`: train, test or val. `x` uint8 [N, *shape]; `names` [N]: the class of each, as text;
    `groups` [N]: what must not lie in two parts, if anything; `again` uint8 [N, V, *shape]: V further
    versions of each sample, which train wherever it does and never measure."""

    part: str
    x: np.ndarray
    names: list[str]
    groups: np.ndarray | None = None
    again: np.ndarray | None = None


def class_order(names: set[str]) -> list[str]:
    """Classes in the order of their labels: whole numbers by their value, everything else as text."""
    numbers = all(name.isdecimal() for name in names)
    return sorted(names, key=int) if numbers else sorted(names)
