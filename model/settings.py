"""The `[training]` table of a configuration (no torch needed to read it)."""

import dataclasses

from ..numerics.fields import setting


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained."""

    epochs: int = setting(30, low=1, high=10000, help="passes over the training set")
    batch_size: int = setting(256, low=4, high=65536, help="images a step; all their pairs form the loss")
