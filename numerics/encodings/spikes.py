"""`spikes`: samples that are spike trains already."""

import dataclasses
from typing import ClassVar

from .timed import Timed


@dataclasses.dataclass(frozen=True)
class Spikes(Timed):
    """The samples are spikes, [T, *map] of 0 and 1, as another program wrote them into an .npz file."""

    kind: ClassVar[str] = "spikes"
    reads: ClassVar[str] = "spikes"
