"""Clocks of delays (hw/layers/delay.py): of each event's taps, and of the row that a TICK sends."""

from ..plan.delay import DelayPlan
from .stations import Sink, emit_word


class DelayStation(Sink):
    """Takes an event every 2 K + 2 clocks; a TICK's row goes through an encoder, word by word."""

    def __init__(self, plan: DelayPlan, layer: Sink, reset: int = 0) -> None:
        super().__init__()
        self._plan, self._layer = plan, layer
        self._free = (
            reset + plan.depth
        )  # the first clock in which an event may be taken: the ring is cleared by then
        self._step, self._due = 0, [set[int]() for _ in range(plan.timesteps)]
        self._emitted = self._entered = -1  # the encoder's latest event, and its hand-over

    def accept(self, entered: int, address: int | None) -> None:
        self.taken_before, self.taken = self.taken, max(entered + 1, self.taken + 1, self._free)
        if address is not None:
            first, steps = self._plan.output(address), self._plan.table[address].tolist()
            for k, later in enumerate(steps):
                if self._step + later < self._plan.timesteps:
                    self._due[self._step + later].add(first + k)
            self._free = self.taken + self._plan.event_clocks()
            return
        words: list[list[int]] = [[] for _ in range(self._plan.words)]
        for output in sorted(self._due[self._step]):
            words[output // self._plan.lanes].append(output)
        self._due[self._step] = set()
        at = self.taken + 3
        for index, spikes in enumerate(words):
            final = index == len(words) - 1
            if spikes or final:
                at = max(at, self._emitted + 1)
                self._emitted, self._entered = emit_word(
                    at, spikes, self._emitted, self._entered, self._layer, end=final
                )
            at += 1
        self._free = at
        self._step = (self._step + 1) % self._plan.timesteps
