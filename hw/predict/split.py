"""Clocks of the block that divides flat addresses into bit fields (hw/core/split.py)."""

from ..plan.maps import MapFields
from .stations import Sink


class Split(Sink):
    """Takes an event once the one before has left; hands it on after its divisions, a TICK at once."""

    def __init__(self, fields: MapFields, layer: Sink) -> None:
        super().__init__()
        self._fields, self._layer = fields, layer
        self._left = -1

    def accept(self, entered: int, address: int | None) -> None:
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1, self._left + 1)
        ready, found = self.taken + 1, None
        if address is not None:
            rest, channel = divmod(address, self._fields.channels)
            found = self._fields.address(*divmod(rest, self._fields.width), channel)
            ready += self._fields.division_clocks
        # A consumer takes what entered the buffer before it a clock earlier; here is no such buffer.
        self._layer.accept(ready - 1, found)
        self._left = self._layer.taken
