"""Several sources in front of a layer: in which order a core takes them, and what becomes of them."""

import dataclasses
from collections.abc import Mapping
from itertools import pairwise
from math import ceil
from typing import NamedTuple

import numpy as np

from ...numerics.errors import TwinspikeError
from ...quant.network import Network
from ...quant.synapses.maps import Windows, as_map
from ...quant.synapses.pool import Pool
from .maps import MapFields

# Addresses that share a word of the memory of "and" and "iand": with two sources a word has 16 bits.
GROUP = 8


class Leaving(NamedTuple):
    """Events that leave a layer or the input: how often one may count at most, and how many may come of an
    address in a step; which output each address means, int64, None where they are the same; the layers with
    neurons, -1 for the input, that they come from."""

    most: int
    copies: int
    sent: np.ndarray | None
    roots: tuple[int, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class MergePlan:
    """What stands in front of a layer with several `sources`; they are in the order in which it takes them.

    Of each step all events of the first source are taken, then those of the next one: in the order of the
    layers, so whatever a source may still wait for has been taken before. "add" lets all of them through.
    "and" and "iand" note them, a bit for each source and address, and send what is left when the last source
    has come to its TICK: a word of GROUP addresses a clock, `lanes` and `words` as of a layer.
    """

    sources: tuple[int, ...]
    combine: str
    fields: MapFields
    before: tuple[Leaving, ...]
    without: int | None  # which of them an "iand" takes away

    @property
    def gathers(self) -> bool:
        return self.combine != "add"

    @property
    def most(self) -> int:
        """How often an event that leaves may count at most."""
        return 1 if self.gathers else max(source.most for source in self.before)

    @property
    def copies(self) -> int:
        """How many of one address leave in a step at most, each counting as often as `most`, or as much."""
        reach = sum(source.most * source.copies for source in self.before)
        return 1 if self.gathers else ceil(reach / self.most)

    @property
    def addresses(self) -> int:
        return self.fields.addresses

    @property
    def lanes(self) -> int:
        return GROUP

    @property
    def words(self) -> int:
        return max(2, ceil(self.addresses / GROUP))

    def leaves(self, seen: list[set[int]]) -> set[int]:
        """The addresses that leave an "and" or "iand" whose sources sent those of `seen` in a step."""
        found = set.intersection(*(s for at, s in enumerate(seen) if at != self.without))
        return found if self.without is None else found - seen[self.without]

    @property
    def leaving(self) -> Leaving:
        sents = [source.sent for source in self.before if source.sent is not None]
        roots = tuple(sorted({root for source in self.before for root in source.roots}))
        return Leaving(self.most, self.copies, sents[0] if sents else None, roots)


def merge_of(network: Network, index: int, leaving: Mapping[int, Leaving]) -> MergePlan | None:
    """What stands in front of layer `index`, None if it has one source.

    Raises TwinspikeError for sources that no core can take one after the other.
    """
    sources = network.sources(index)
    if len(sources) == 1:
        return None
    given = f"layers.{index}.sources = {list(sources)}"
    if len(set(sources)) < len(sources):
        raise TwinspikeError(f"{given}: a core takes the events of a source once; name each source once")
    order = tuple(sorted(sources, key=lambda source: leaving[source].roots))
    before = tuple(leaving[source] for source in order)
    for first, second in pairwise(before):
        if first.roots[-1] >= second.roots[0]:
            raise TwinspikeError(
                f"{given}: a core takes sources one after the other, which cannot be where two of them "
                "come through pools or delays from the same layers, or from layers around each other's"
            )
    source = sources[0]
    shape = network.encoder.map(network.shape) if source < 0 else network.layers[source].shape
    combine = network.layers[index].combine
    without = order.index(sources[1]) if combine == "iand" else None
    return MergePlan(order, combine, MapFields(*as_map(shape, f"layers.{index}")), before, without)


def input_map(network: Network) -> MapFields | None:
    """The map whose bit fields the addresses of the input become inside a core; None: they stay as they are.

    They become so where a layer on maps takes them, or where they are merged with those of a layer.
    """
    for index, layer in enumerate(network.layers):
        if -1 not in network.sources(index):
            continue
        if isinstance(layer.synapses, (Windows, Pool)):
            return MapFields(*layer.synapses.map)
        turned = layer.kind == "delay" and not passes_flat(network, index)
        if turned or len(network.sources(index)) > 1:
            return MapFields(*as_map(network.encoder.map(network.shape), f"layers.{index}"))
    return None


def passes_flat(network: Network, index: int) -> bool:
    """Whether a delay gets flat addresses and may leave them so.

    So it is in a chain, where in front and behind are none but delays, the network's input and dense layers.
    """
    if any(network.sources(layer) != (layer - 1,) for layer in range(len(network.layers))):
        return False
    first = last = index
    while first >= 0 and network.layers[first].kind == "delay":
        first -= 1
    while network.layers[last].kind == "delay":
        last += 1
    ends = [network.layers[last].kind, *([network.layers[first].kind] if first >= 0 else [])]
    return last > index and set(ends) == {"dense"}
