"""What a published method is here: what of it is implemented, what is measured, what it is to reach."""

import dataclasses
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a method's measurement that is computed, cached and resumed by itself.

    ``call(workplace, *arguments)`` gives its figures, JSON-ready; `inputs` what else they depend on: a
    configuration, checksums of data.
    """

    name: str
    call: Callable[..., Row]
    arguments: tuple[Any, ...] = ()
    inputs: Callable[[], Any] = tuple


@dataclasses.dataclass(frozen=True)
class Goal:
    """A figure that a method is to reach: what, ours, what was wanted, and whether it does."""

    what: str
    ours: str
    wanted: str
    met: bool


@dataclasses.dataclass(frozen=True)
class Method:
    """A method of a paper. Texts are those of the documents; `goals` judges the parts' figures, by name.

    `paper_figure` has the paper's data set and size in it. `ties` is its paper's rule where that differs from
    ours, the lowest index.
    """

    name: str
    title: str
    arxiv: tuple[str, ...]
    implemented: str
    missing: str
    data: str
    paper_figure: str
    parts: tuple[Part, ...]
    goals: Callable[[dict[str, Row]], list[Goal]]
    ties: str = ""
