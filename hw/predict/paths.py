"""Clocks of what stands between layers: forks (hw/parts/fork.py) and merges (hw/layers/merge.py)."""

from collections.abc import Callable

from ..plan import CorePlan
from ..plan.merge import MergePlan
from .stations import Sink, emit_word


class Fork(Sink):
    """Hands each event to all of its consumers; it leaves the skid buffer when the last one took it."""

    def __init__(self, consumers: list[Sink]) -> None:
        super().__init__()
        self._consumers = consumers

    def accept(self, entered: int, address: int | None) -> None:
        offered = max(entered, self.taken)
        for consumer in self._consumers:
            consumer.accept(offered, address)
        self.taken_before, self.taken = self.taken, max(consumer.taken for consumer in self._consumers)


class Port(Sink):
    """One source's input of a merge."""

    def __init__(self, merge: "Merge", place: int) -> None:
        super().__init__()
        self._merge, self._place = merge, place

    def accept(self, entered: int, address: int | None) -> None:
        offered = max(entered + 1, self.taken + 1, self._merge.open)
        self.taken_before, self.taken = self.taken, self._merge.take(offered, self._place, address)


class Merge:
    """In front of `consumer`; takes a step of each source in turn."""

    def __init__(self, plan: MergePlan, consumer: Sink, reset: int) -> None:
        self.plan, self._consumer = plan, consumer
        self.open = reset  # from this clock on an event is taken
        self._last = len(plan.sources) - 1

    def take(self, offered: int, place: int, address: int | None) -> int:
        """An event or TICK of source `place`, `offered` from that clock on; returns when it is taken."""
        if address is not None or place == self._last:
            # A consumer takes what entered the buffer before it a clock earlier; here is no such buffer.
            self._consumer.accept(offered - 1, address)
            offered = self._consumer.taken
        self.open = offered + 1
        return offered


class Gather(Merge):
    """An "and" or "iand": sends what is left of a step when its last source has come to its TICK."""

    def __init__(self, plan: MergePlan, consumer: Sink, reset: int) -> None:
        super().__init__(plan, consumer, reset)
        self.open = reset + plan.words  # its memory is emptied first
        self._seen: list[set[int]] = [set() for _ in plan.sources]
        self._emitted = self._entered = -1

    def take(self, offered: int, place: int, address: int | None) -> int:
        if address is not None:
            self._seen[place].add(address)
            self.open = offered + 2
            return offered
        self.open = offered + 1
        if place == self._last:
            self._send()
        return offered

    def _send(self) -> None:
        words: list[list[int]] = [[] for _ in range(self.plan.words)]
        for address in sorted(self.plan.leaves(self._seen)):
            words[address // self.plan.lanes].append(address)
        for word, addresses in enumerate(words):
            end = word == len(words) - 1
            if addresses or end:
                # The encoder takes a word when the one before has left.
                self.open = max(self.open, self._emitted + 1)
                self._emitted, self._entered = emit_word(
                    self.open, addresses, self._emitted, self._entered, self._consumer, end=end
                )
            self.open += 1
        for seen in self._seen:
            seen.clear()


def connected(
    plan: CorePlan,
    stations: list[Sink],
    readout: Sink,
    relay: Callable[..., Sink],
    reset: int,
) -> tuple[Sink, list[Sink]]:
    """What takes the network's input, and what takes the events of each of the `stations`.

    `relay(plan, consumer)` makes the station of a layer without neurons.
    """
    relays = iter([one for index in range(len(stations)) for one in plan.before(index)][::-1])
    ports: dict[int, list[Sink]] = {}
    exits: dict[int, Sink] = {}
    for number in reversed(range(len(plan.network.layers))):
        exits[number] = _exit(ports.get(number, [])) if ports or exits else readout
        own = (
            stations[plan.numbers.index(number)]
            if number in plan.numbers
            else relay(next(relays), exits[number])
        )
        merge = plan.merge(number)
        if merge is None:
            ports.setdefault(plan.network.sources(number)[0], []).insert(0, own)
            continue
        stage = (Gather if merge.gathers else Merge)(merge, own, reset)
        for place, source in enumerate(merge.sources):
            ports.setdefault(source, []).insert(0, Port(stage, place))
    return _exit(ports.get(-1, [])), [exits[number] for number in plan.numbers]


def _exit(takers: list[Sink]) -> Sink:
    """What takes a layer's events: nothing at all, a layer, or a fork to several."""
    if not takers:
        return Sink()
    return takers[0] if len(takers) == 1 else Fork(takers)
