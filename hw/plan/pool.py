"""A pool in hardware: events get the address of their window on their way to the next layer."""

import dataclasses
from functools import cached_property
from math import prod

from amaranth.utils import bits_for

from ...quant.synapses.pool import Pool
from .maps import MapFields
from .relay import RelayPlan

# Outputs that share a word of the memory of what was sent: with its tag it fits 16 bits up to 2,048 outputs.
GROUP = 8


@dataclasses.dataclass(frozen=True, eq=False)
class PoolPlan(RelayPlan):
    """A pool between two layers, or before the first one: it has no state words, lanes or weights.

    An event at {y, x, c} goes on as {y / wh, x / ww, c}, or nowhere behind the last whole window. A sum lets
    every one pass; an "or" lets the first of a step pass, for which it remembers a bit an output. `most`: how
    often an event that comes may count; `copies`: how many of one address may come in a step.
    """

    @property
    def pool(self) -> Pool:
        if not isinstance(self.layer.synapses, Pool):
            raise TypeError(f"a layer of kind {self.layer.kind} is no pool")
        return self.layer.synapses

    @cached_property
    def before(self) -> MapFields:
        """The map that events come from."""
        return MapFields(*self.pool.map)

    @cached_property
    def after(self) -> MapFields:
        """The map that they go on in."""
        return MapFields(*self.pool.shape)

    @property
    def once(self) -> bool:
        """Whether an output is sent once a step at most."""
        return self.pool.mode == "or"

    @property
    def most_after(self) -> int:
        return 1 if self.once else self.most

    @property
    def copies_after(self) -> int:
        return 1 if self.once else self.copies * prod(self.pool.window)

    def output(self, address: int) -> int | None:
        """Where an event at `address` goes on; None: nowhere."""
        y, x, c = self.before.split(address)
        row, column = y // self.pool.window[0], x // self.pool.window[1]
        inside = row < self.after.height and column < self.after.width
        return self.after.address(row, column, c) if inside else None

    @property
    def seen_shape(self) -> tuple[int, int]:
        """Words of the memory of what was sent, and the bits of a tag in each, beside GROUP."""
        words = max(-(-self.after.addresses // GROUP), 2)
        return words, bits_for(words)

    @property
    def memories(self) -> list[tuple[str, int, int, str]]:
        words, tag_bits = self.seen_shape
        return [("rows", words, GROUP + tag_bits, "ram")] if self.once else []
