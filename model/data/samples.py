"""Samples of one part of a dataset, as readers give them: labels are names still."""

import dataclasses
from pathlib import Path

import numpy as np

from ...numerics.errors import TwinspikeError


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


def checked_classes(path: Path, parts: dict[str, set[str]]) -> list[str]:
    """The classes that train, in the order of their labels; `parts`: the classes in each part.

    Raises TwinspikeError for a single class, and for one that is in another part only.
    """
    order = class_order(parts["train"])
    if len(order) < 2:
        raise TwinspikeError(f"dataset {path}: has one class, {order[0]!r}: 2 or more are needed")
    for part, names in parts.items():
        strange = sorted(names - parts["train"])
        if strange:
            raise TwinspikeError(f"dataset {path}: class {strange[0]!r} is in {part} but not in train")
    return order
