"""The streams from layer to layer: forks where several take one's events, merges where one takes several."""

from amaranth.hdl import Module
from amaranth.lib import wiring

from ..layers.merge import merge_stage
from ..parts.fork import Fork
from ..plan import CorePlan


class Paths:
    """Asked layer by layer, in the order of the network: `entry` what it gets, `leave` what it sends."""

    def __init__(self, m: Module, plan: CorePlan, events):
        self._m, self._plan, self._number = m, plan, -1
        self._streams: dict[int, list] = {}
        self._share(events)

    def entry(self):
        """The stream of events for the next layer."""
        self._number += 1
        merge = self._plan.merge(self._number)
        if merge is None:
            return self._streams[self._plan.network.sources(self._number)[0]].pop(0)
        self._m.submodules[f"merge{self._number}"] = stage = merge_stage(merge)
        for k, source in enumerate(merge.sources):
            wiring.connect(self._m, self._streams[source].pop(0), getattr(stage, f"i{k}"))
        return stage.o

    def leave(self, events) -> None:
        """The stream of events from the layer that `entry` was asked for."""
        if self._number < len(self._plan.network.layers) - 1:
            self._share(events)

    def _share(self, events) -> None:
        """A stream for each layer that takes these events. They go nowhere if there is none."""
        takers = self._plan.takers(self._number)
        found = [events]
        if not takers:
            self._m.d.comb += events.ready.eq(1)
        elif len(takers) > 1:
            name = "fork_in" if self._number < 0 else f"fork{self._number}"
            self._m.submodules[name] = fork = Fork(events.p.shape(), len(takers))
            wiring.connect(self._m, events, fork.i)
            found = list(fork.o)
        self._streams[self._number] = found
