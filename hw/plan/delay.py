"""Delays in hardware: a ring of bits, one for each output and pending step."""

import dataclasses
from functools import cached_property

import numpy as np
from amaranth.utils import bits_for

from ...quant.synapses.delay import Delay
from ...quant.synapses.maps import as_map
from .maps import MapFields
from .relay import RelayPlan

# Outputs that share a word of the ring: as wide as two blocks of RAM of an iCE40, or one of an ECP5.
GROUP = 32


@dataclasses.dataclass(frozen=True, eq=False)
class DelayPlan(RelayPlan):
    """Delays between two layers, or before the first one.

    An event at {y, x, c} sets the bits of the outputs {y, x, c * K + k} in the rows of the steps in which
    they are due; each TICK sends the row of its step and empties it. A row has W =
    ceil(outputs / GROUP) words.
    """

    @property
    def delays(self) -> Delay:
        if not isinstance(self.layer.synapses, Delay):
            raise TypeError(f"a layer of kind {self.layer.kind} delays nothing")
        return self.layer.synapses

    @property
    def taps(self) -> int:
        """K."""
        return self.delays.taps

    @cached_property
    def before(self) -> MapFields:
        return self._fields(self.delays.source)

    @cached_property
    def after(self) -> MapFields:
        return self._fields(self.delays.shape)

    def _fields(self, shape: tuple[int, ...]) -> MapFields:
        return MapFields(1, 1, int(np.prod(shape))) if self.flat else MapFields(*as_map(shape, "layer"))

    @property
    def most_after(self) -> int:
        return 1

    @property
    def copies_after(self) -> int:
        return 1

    @cached_property
    def reach(self) -> int:
        """The largest delay that can still be in time."""
        return min(self.delays.longest, self.timesteps - 1)

    @property
    def rows(self) -> int:
        """Rows of the ring: the step under way and those that a spike may still wait for."""
        return self.reach + 1

    @property
    def lanes(self) -> int:
        return GROUP

    @property
    def words(self) -> int:
        """W: words of a row."""
        return -(-self.addresses // GROUP)

    @property
    def addresses(self) -> int:
        """Addresses that it sends."""
        return self.delays.neurons if self.flat else self.after.addresses

    @property
    def sent(self) -> np.ndarray:
        return self.after.sent[: self.addresses]

    @property
    def depth(self) -> int:
        """Words of the ring; the number of a word in its row is a field of bits of its own."""
        return max(self.rows << (self.words - 1).bit_length(), 2)

    def output(self, address: int) -> int:
        """The first of the K addresses that an event at `address` goes on with."""
        y, x, c = self.before.split(address)
        return self.after.address(y, x, c * self.taps)

    @cached_property
    def table(self) -> np.ndarray:
        """Delays by the address that arrives, int64 [addresses before, K]; 0 in padding."""
        sent = self.before.sent[: self.delays.inputs] if self.flat else self.before.sent
        return np.where(sent[:, None] < 0, 0, self.delays.delay.astype(np.int64)[sent.clip(0)])

    @property
    def equal(self) -> bool:
        """Whether every input has the same delays, so that no table is needed."""
        return bool((self.delays.delay == self.delays.delay[0]).all())

    @property
    def delay_bits(self) -> int:
        return bits_for(self.delays.longest)

    def event_clocks(self) -> int:
        """Clocks from an event taken to the next one, if it has left: two for each tap, and two more."""
        return 2 * self.taps + 2

    @property
    def memories(self) -> list[tuple[str, int, int, str]]:
        table = [("table", max(len(self.table), 2), self.taps * self.delay_bits, "rom")]
        return [("ring", self.depth, GROUP, "ram"), *([] if self.equal else table)]
