"""Clocks of a pool (hw/layers/pool.py): an event or TICK every 2 clocks, dropped ones as well."""

from ..plan.pool import PoolPlan
from .stations import Sink


class PoolStation(Sink):
    """Takes an event once the one before has left, hands it on a clock later, or drops it in that clock."""

    def __init__(self, plan: PoolPlan, layer: Sink, reset: int = 0) -> None:
        super().__init__()
        self._plan, self._layer = plan, layer
        self._left = -1
        self._sent: set[int] = set()

    def accept(self, entered: int, address: int | None) -> None:
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1, self._left + 1)
        found = None if address is None else self._plan.output(address)
        if address is not None and (found is None or (self._plan.once and found in self._sent)):
            self._left = self.taken + 1
            return
        if found is None:
            self._sent.clear()
        else:
            self._sent.add(found)
        # A consumer takes what entered the buffer before it a clock earlier; here is no such buffer.
        self._layer.accept(self.taken, found)
        self._left = self._layer.taken
