"""What the torch twins of kinds without neurons have in common: spikes pass them on the way to a layer."""

from torch import nn

from ..synapses.base import Synapses
from .base import Wiring


class Relay(nn.Module):
    """Spikes [T, B, inputs] -> [T, B, outputs]; its geometry has no weights, but places may be learnt."""

    def __init__(self, geometry: Synapses):
        super().__init__()
        self.geometry = geometry
        self.wiring = Wiring()

    @property
    def others(self) -> list[nn.Parameter]:
        """The parameters that learn."""
        return []

    @property
    def soft(self) -> bool:
        """Whether what it sends in training may lie between none and one spike."""
        return False

    def adds_up(self, several: bool) -> bool:
        """Whether an output may spike more than once a step; `several`: whether its inputs may."""
        return False

    def anneal(self, share: float) -> None:
        """Told before each batch which share of the training is done, 0..1."""

    def placed(self) -> Synapses:
        """The geometry as it is exported."""
        return self.geometry
