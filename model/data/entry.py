"""One recording of a named dataset, before it is read."""

from collections.abc import Callable
from typing import NamedTuple

from ...numerics.recordings import Recording


class Entry(NamedTuple):
    """One recording: its part, train, test or val, its class, how it is read, and whom it comes from."""

    part: str
    name: str
    read: Callable[[], Recording]
    group: str = ""
