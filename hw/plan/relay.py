"""What events pass on their way to a layer: kinds without neurons, state words, lanes or weights."""

import abc
import dataclasses

import numpy as np

from ...quant.layer import Layer
from .maps import MapFields


@dataclasses.dataclass(frozen=True, eq=False)
class RelayPlan(abc.ABC):
    """A layer without neurons, between two layers or before the first one.

    `most`: how often an event that comes may count; `copies`: how many of one address may come in a step.
    `timesteps`: T. `flat`: events come and go with flat addresses, though the layer's map has places.
    """

    layer: Layer
    most: int = 1
    copies: int = 1
    timesteps: int = 0
    flat: bool = False

    @property
    @abc.abstractmethod
    def before(self) -> MapFields:
        """The map that events come from."""

    @property
    @abc.abstractmethod
    def after(self) -> MapFields:
        """The map that they go on in."""

    @property
    def sent(self) -> np.ndarray:
        """Which output each address that goes on means, int64; -1 for padding."""
        return self.after.sent

    @property
    @abc.abstractmethod
    def most_after(self) -> int:
        """How often an event that goes on may count."""

    @property
    @abc.abstractmethod
    def copies_after(self) -> int:
        """How many of one address may go on in a step."""

    @property
    @abc.abstractmethod
    def memories(self) -> list[tuple[str, int, int, str]]:
        """Its memories: (name, depth, bits of a word, "ram" or "rom") each."""
